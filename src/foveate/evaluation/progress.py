"""Progress bars of a job with several steps."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_REFRESHES = 4
"""Per second: bars share a core with the device."""


class Steps:
    """Context manager that shows one bar per step."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, refresh_per_second=_REFRESHES)

    def begin(self, name: str, total: int | None) -> Callable[[int], None]:
        """A new bar; call the result with the number of units that are done. `total` may be unknown."""
        task = self._progress.add_task(name, total=total)
        return lambda done: self._progress.update(task, completed=done)

    def begin_open(self, name: str) -> Callable[[int, int], None]:
        """A new bar whose total comes with each call: units done, units wanted."""
        task = self._progress.add_task(name, total=None)
        return lambda done, wanted: self._progress.update(task, completed=done, total=wanted)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
