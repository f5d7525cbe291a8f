"""Files of weights that appear whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError

from foveate.core import FoveateError


@contextmanager
def whole_file(path: Path, partial: Path) -> Iterator[None]:
    """The block writes `partial`, which takes the place of `path` if it ends well and is removed if it does not.

    Raises `FoveateError` where the disk refuses.
    """
    try:
        yield
        partial.replace(path)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise FoveateError(f"cannot write {path}: {_reason(error)}") from error
    finally:
        # The error worth telling is the first one, not that there is nothing to remove.
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _reason(error: BaseException) -> str:
    """What the disk said; torch tells something of its own in its place."""
    told: BaseException | None = error
    while told is not None:
        if isinstance(told, OSError) and told.strerror:
            return told.strerror
        told = told.__context__
    return str(error).splitlines()[0]
