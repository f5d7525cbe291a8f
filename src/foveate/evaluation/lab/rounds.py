"""In which order cells are run, so that whatever is finished at any time is balanced."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from foveate.evaluation.lab.cell import Trace


class _Condition(Protocol):
    @property
    def group(self) -> str:
        """Of traces."""
        ...

    @property
    def offsets(self) -> int:
        """How many starts in each trace."""
        ...


C = TypeVar("C", bound=_Condition)


def rounds(conditions: Sequence[C], traces: Sequence[Trace]) -> list[tuple[C, int, Trace]]:
    """Condition, number of the start, and trace: all of the first condition, then the others side by side.

    Folders of traces (4G, 5G) take turns, and among the others every condition has its first trace before any has its
    second: few rounds tell something of all of them.
    """
    place = _places(traces)
    each = [
        (condition, number, trace)
        for condition in conditions
        for number in range(condition.offsets)
        for trace in traces
        if trace.group == condition.group
    ]
    return sorted(each, key=lambda one: (one[0] is not conditions[0], one[1], place[one[2]]))


def _places(traces: Sequence[Trace]) -> dict[Trace, tuple[int, Path]]:
    """Of each trace among those of its group and folder, then the folder."""
    places: dict[Trace, tuple[int, Path]] = {}
    met: dict[tuple[str, Path], int] = {}
    for trace in traces:
        folder = Path(trace.path).parent
        places[trace] = (met.get((trace.group, folder), 0), folder)
        met[trace.group, folder] = places[trace][0] + 1
    return places
