"""Files that a job writes: nothing that it reads may be among them."""

from collections.abc import Iterable
from pathlib import Path

from foveate.core import InputError


def spare_inputs(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Raises `InputError` where an output is one of the inputs, under whatever name. Files may be missing."""
    there = [path for path in inputs if path.exists()]
    for output in outputs:
        for source in there:
            if output.exists() and output.samefile(source):
                raise InputError(f"{output} would take the place of {source}, which is read: name another place")


def clear_outputs(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """An empty place, made if missing: what an earlier run left must not look like a part of this one.

    Raises `InputError`, before anything is removed, where an output is one of the inputs.
    """
    outputs = tuple(outputs)
    spare_inputs(outputs, inputs)
    for path in outputs:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
