"""Files that a job writes: nothing that it reads may be among them, and a job that is refused leaves them alone."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

from foveate.core import InputError

_T = TypeVar("_T")


def spare_inputs(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Raises `InputError` where an output is one of the inputs, under whatever name. Files may be missing."""
    read = {_identity(path): path for path in inputs}
    for output in outputs:
        identity = _identity(output)
        if identity is not None and (source := read.get(identity)) is not None:
            raise InputError(f"{output} would take the place of {source}, which is read: name another place")


def _identity(path: Path) -> tuple[int, int] | None:
    """The same for all names of a file, links among them; None for what is no file, such as the address of a camera."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


class Outputs:
    """What a run leaves in a folder. What an earlier one left stays until this one has something to tell.

    Raises `InputError` where one of these files is among the inputs.
    """

    def __init__(self, folder: Path, names: Iterable[str], *, inputs: Iterable[Path]) -> None:
        self.folder = folder
        """Where they lie; it may be missing until the run begins."""
        self.begun = False
        """Whether the files are those of this run."""
        self._paths = tuple(folder / name for name in names)
        spare_inputs(self._paths, inputs)

    def begin(self) -> Path:
        """The folder, made if missing, without the files of an earlier run; only the first call removes any."""
        if not self.begun:
            self.folder.mkdir(parents=True, exist_ok=True)
            for path in self._paths:
                path.unlink(missing_ok=True)
            self.begun = True
        return self.folder


class Late(Generic[_T]):
    """A context manager around one that is made and entered by the first call, if there is any."""

    def __init__(self, make: Callable[[], AbstractContextManager[_T]]) -> None:
        self._make = make
        self._opened: list[_T] = []
        self._stack = ExitStack()

    def __call__(self) -> _T:
        """What entering gave."""
        if not self._opened:
            self._opened.append(self._stack.enter_context(self._make()))
        return self._opened[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)
