"""Who shows how much: contenders over the cells of one slice, ranked, with intervals and differences."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foveate.evaluation.lab.references import REFERENCES
from foveate.evaluation.lab.statistics import Clusters, Difference, Interval
from foveate.evaluation.lab.tables import Record


@dataclass(frozen=True, kw_only=True, order=True)
class Slice:
    """Cells that may stand in one table."""

    kind: str
    """`rendered` or `real`."""
    traces: str
    """Group of traces."""
    transport: str
    machine: str

    def __str__(self) -> str:
        """As a heading."""
        return f"{self.kind} clips, traces {self.traces}, transport {self.transport}, {self.machine}"

    def holds(self, record: Record) -> bool:
        """Whether a row of the table of cells belongs here."""
        return self == slice_of(record)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One contender in one slice."""

    contender: str
    cells: int
    median: Interval
    quartiles: tuple[float, float]
    """First and third."""
    mean: float
    after_start: float | None
    """Median from the first result of the slowest contender; None where one never showed a result."""


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """How often one contender shows more than another."""

    cells: int
    """In how many cells."""
    videos: int
    """On how many videos, by the mean of its cells."""
    recordings: int
    """Over how many recordings, likewise."""


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """All contenders of a slice by one measure of what they show, best first."""

    where: Slice
    reference: str
    """Against which truth."""
    standings: tuple[Standing, ...]
    to_next: Difference | None
    """The first less the second; None with a single contender."""
    to_rivals: dict[str, Difference]
    """The first less each other contender, in their order."""
    ahead: Ahead | None
    """How often the first shows more than the second; None with a single contender."""
    surely_above: dict[str, tuple[str, ...]]
    """By label, the contenders above whose mean its own lies for sure, each pair judged by itself."""
    focus: str
    """Label of the contender that the experiment is about."""
    to_focus: dict[str, Difference]
    """Each other contender less that one, by label; empty where it has no cell."""
    enough: bool
    """Whether there are videos and recordings enough to speak of intervals."""

    @property
    def order(self) -> tuple[str, ...]:
        """Labels, best first."""
        return tuple(standing.contender for standing in self.standings)

    @property
    def tied(self) -> tuple[str, ...]:
        """Contenders that the first is not surely above."""
        return tuple(label for label in self.order[1:] if label not in self.surely_above[self.order[0]])


def slice_of(record: Record) -> Slice:
    """Where a row of the table of cells belongs."""
    return Slice(
        kind=str(record["kind"]),
        traces=str(record["trace_group"]),
        transport=str(record["transport"]),
        machine=str(record["machine"]),
    )


def slices_of(records: Sequence[Record]) -> list[Slice]:
    """All slices, in order of appearance; the first of each kind is the main one."""
    return list(dict.fromkeys(slice_of(record) for record in records))


def main_slices(records: Sequence[Record]) -> list[Slice]:
    """The first slice of each kind of clip."""
    first: dict[str, Slice] = {}
    for where in slices_of(records):
        first.setdefault(where.kind, where)
    return list(first.values())


def references_in(records: Sequence[Record], where: Slice) -> list[str]:
    """Truths that every cell of a slice was scored against, the most trusted first."""
    here = [record for record in records if where.holds(record)]
    trusted = ("exact", "model", "pseudo")
    assert set(trusted) == set(REFERENCES)
    return [name for name in trusted if all(record.get(f"rendering_f1_{name}") is not None for record in here)]


def clips_with(records: Sequence[Record], where: Slice, reference: str) -> tuple[int, int]:
    """Of how many clips of a slice every cell was scored against this truth, and how many clips there are."""
    here = [record for record in records if where.holds(record)]
    bare = {record["video"] for record in here if record.get(f"rendering_f1_{reference}") is None}
    clips = {record["video"] for record in here}
    return len(clips - bare), len(clips)


def rank(
    records: Sequence[Record], where: Slice, reference: str, *, focus: str, figure: str = "rendering_f1", seed: int = 0
) -> Ranking | None:
    """The ranking of a slice by the medians of a figure; only cells that every contender finished count.

    None if there are none. `focus`: label of the contender that the others are compared with.
    """
    table = _complete(records, where, f"{figure}_{reference}")
    if not table:
        return None
    labels = list(table)
    cells = table[labels[0]]
    clusters = Clusters([str(r["video"]) for r in cells], [str(r["recording"]) for r in cells], seed=seed)
    values = {label: _numbers(table[label], f"{figure}_{reference}") for label in labels}
    standings = [_standing(label, table[label], values[label], clusters, f"{figure}_{reference}") for label in labels]
    standings.sort(key=lambda standing: -standing.median.value)
    first, *rivals = (standing.contender for standing in standings)
    to_rivals = {rival: clusters.difference(values[first], values[rival]) for rival in rivals}
    return Ranking(
        where=where,
        reference=reference,
        standings=tuple(standings),
        to_next=to_rivals[rivals[0]] if rivals else None,
        to_rivals=to_rivals,
        ahead=_ahead(values[first] - values[rivals[0]], cells) if rivals else None,
        surely_above={label: _surely_below(clusters, values, label) for label in (first, *rivals)},
        focus=focus,
        to_focus={
            label: clusters.difference(values[label], values[focus])
            for label in labels
            if label != focus and focus in values
        },
        enough=clusters.enough,
    )


def _complete(records: Sequence[Record], where: Slice, name: str) -> dict[str, list[Record]]:
    """By contender, the cells of a slice that every contender finished and that have the figure."""
    here = [record for record in records if where.holds(record)]
    labels = list(dict.fromkeys(str(record["contender"]) for record in here))
    by_cell: dict[tuple[object, ...], dict[str, Record]] = {}
    for record in here:
        if record.get(name) is not None:
            place = record["video"], record["trace"], record["offset_number"]
            by_cell.setdefault(place, {})[str(record["contender"])] = record
    full = [found for found in by_cell.values() if len(found) == len(labels)]
    return {label: [found[label] for found in full] for label in labels} if full else {}


def _standing(label: str, cells: Sequence[Record], values: np.ndarray, clusters: Clusters, name: str) -> Standing:
    low, high = np.percentile(values, [25, 75])
    later = [record.get(f"{name}_after_start") for record in cells]
    return Standing(
        contender=label,
        cells=len(cells),
        median=clusters.median_interval(values),
        quartiles=(float(low), float(high)),
        mean=float(values.mean()),
        after_start=None if any(v is None for v in later) else float(np.median(np.array(later, np.float64))),
    )


def _surely_below(clusters: Clusters, values: dict[str, np.ndarray], label: str) -> tuple[str, ...]:
    """Contenders whose mean lies surely below that of `label`."""
    if not clusters.enough:
        return ()
    return tuple(
        other
        for other, numbers in values.items()
        if other != label and clusters.mean_interval(values[label] - numbers).low > 0
    )


def _ahead(more: np.ndarray, cells: Sequence[Record]) -> Ahead:
    videos, recordings = (
        sum(bool(more[[record[by] == name for record in cells]].mean() > 0) for name in {r[by] for r in cells})
        for by in ("video", "recording")
    )
    return Ahead(cells=int((more > 0).sum()), videos=videos, recordings=recordings)


def _numbers(records: Sequence[Record], name: str) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.array([record[name] for record in records], np.float64)
