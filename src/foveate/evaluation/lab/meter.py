"""A progress bar for tasks of minutes: the time that is left comes from all tasks done so far."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Meter:
    """Context manager that shows one bar."""

    def __init__(self, console: Console, what: str, total: int) -> None:
        columns = (
            TextColumn("{task.description:<6}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
        )
        self._progress = Progress(*columns, console=console, refresh_per_second=2)
        self._task = self._progress.add_task(what, total=total, left="")
        self._total = total
        self._count, self._started_at = 0, time.monotonic()

    def done(self) -> None:
        """One more task is done."""
        self._count += 1
        elapsed = time.monotonic() - self._started_at
        left = time_left(self._count, self._total, elapsed)
        self._progress.update(self._task, completed=self._count, left=f"{left} left" if left else "")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()


def time_left(done: int, total: int, elapsed_s: float) -> str:
    """In words of hours and minutes, as if the rest were like what was done; empty at the end."""
    if not done or done >= total:
        return ""
    seconds = elapsed_s / done * (total - done)
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
