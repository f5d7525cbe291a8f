"""Contenders under one condition: means over cells with intervals, and differences to one of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from foveate.evaluation.answer_tables import COLUMNS
from foveate.evaluation.lab.answering.compare import AnswerComparison, Entry
from foveate.evaluation.lab.answering.experiment import AnswerCondition
from foveate.evaluation.lab.statistics import LEAST_CLUSTERS, Clusters, Difference, Interval

Place = tuple[str, str, int]
"""Of a cell beside its policy: clip, trace, number of the start."""
MAIN_REFERENCE = {"rendered": "exact", "real": "pseudo"}
"""Rendered truth decides; real clips show agreement with a detector outside the system."""
FIGURES = (
    "frame_rate_fps",
    "frame_latency_s_mean",
    "frame_latency_s_p95",
    "latency_deviation",
    "violation_rate",
    "late_clouds",
    "bytes_per_answer",
    "bytes_per_offload",
    "size_above_expected",
    "size_error",
)
"""Means that a table shows beside the scores."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One contender."""

    contender: str
    cells: int
    videos: int
    recordings: int
    answers: int
    """In all cells."""
    intervals: dict[str, Interval]
    """Of `per_frame` and `streaming` AP50, and of each of `FIGURES` that has a value in every cell."""
    counts: dict[str, int]
    """Sums over the cells."""
    above_expected: float | None = None
    """Share of the frames sent that were larger than predicted, 0..1; None where nothing was predicted."""


def enough(found: Standing | Difference) -> bool:
    """Whether it has an interval. Of one clip it is over recordings; two clips are too few to draw from."""
    return found.recordings >= LEAST_CLUSTERS and (found.videos == 1 or found.videos >= LEAST_CLUSTERS)


def side(found: Difference) -> int:
    """1 where it is surely above 0, -1 where it is surely below, 0 where that cannot be told."""
    return int(found.mean.low > 0) - int(found.mean.high < 0) if enough(found) else 0


@dataclass(frozen=True, kw_only=True)
class AnswerTable:
    """All contenders on one kind of video under one condition."""

    condition: AnswerCondition
    kind: str
    reference: str
    videos: int
    """In cells of any contender; of differences to the winner less may be left, which they say."""
    recordings: int
    standings: list[Standing]
    differences: dict[str, Difference] = field(default_factory=dict)
    """By label: per-frame AP50 of the focus - that contender's, over the cells that both have."""
    to_winner: dict[str, Difference] = field(default_factory=dict)
    """By label: per-frame AP50 of the winner - that contender's, over the cells that all have."""
    common: int = 0
    """How many cells all contenders have."""
    common_means: dict[str, dict[str, float]] = field(default_factory=dict)
    """Mean AP50 by label over these cells, `per_frame` and `streaming`; empty without such cells."""

    @property
    def comparable(self) -> bool:
        """Whether the cells that all have are enough to tell contenders apart."""
        return bool(self.to_winner) and all(enough(found) for found in self.to_winner.values())

    @property
    def main(self) -> bool:
        """Whether it stands under the experiment's main condition."""
        return self.condition.main

    @property
    def deadline_s(self) -> float:
        """By when a frame wants its answer."""
        return self.condition.rules.deadline_s

    @property
    def winner(self) -> str | None:
        """Who has the greatest per-frame AP50 over the cells that all have; None where there are none."""
        return self.best("per_frame")

    def best(self, score: str) -> str | None:
        """Who has the greatest AP50, `per_frame` or `streaming`, over the cells that all have; the first of equals."""
        return _greatest(self.common_means.get(score, {}))

    @property
    def where(self) -> str:
        """Which clips, and by what they are scored."""
        against = "against exact truth" if self.reference == "exact" else "agreement with a detector outside the system"
        return f"{self.kind} clips, {against}"


def answer_tables(comparison: AnswerComparison) -> list[AnswerTable]:
    """In the order of conditions, rendered clips first."""
    found = []
    for condition in dict.fromkeys(condition for _, condition, _ in comparison.cells):
        for kind, reference in MAIN_REFERENCE.items():
            of_kind = [e for e in comparison.cells if e[1] == condition and e[2].cell.clip.kind == kind]
            cells = [entry for entry in of_kind if _score(entry, "per_frame", reference) is not None]
            if cells:
                found.append(_table(comparison, cells, kind, reference))
    return found


def without_score(comparison: AnswerComparison) -> list[str]:
    """Clips with finished cells that no table shows: nothing beside them says what is true there."""
    cells = comparison.cells
    bare = [e for e in cells if _score(e, "per_frame", MAIN_REFERENCE[e[2].cell.clip.kind]) is None]
    return sorted({entry[2].cell.clip.name for entry in bare})


def _table(comparison: AnswerComparison, cells: Sequence[Entry], kind: str, reference: str) -> AnswerTable:
    condition = cells[0][1]
    labels = list(dict.fromkeys(contender.label for contender, _, _ in cells))
    by_label = {label: [entry for entry in cells if entry[0].label == label] for label in labels}
    focus, common = comparison.experiment.compared_with, _common(list(by_label.values()))
    shared = {label: [e for e in entries if _place(e) in common] for label, entries in by_label.items()}
    means = _means(shared, reference)
    winner = _greatest(means["per_frame"])
    return AnswerTable(
        condition=condition,
        kind=kind,
        reference=reference,
        videos=len({entry[2].cell.clip.name for entry in cells}),
        recordings=len({entry[2].cell.trace.cluster for entry in cells}),
        standings=[_standing(label, entries, reference) for label, entries in by_label.items()],
        differences={
            label: _difference(by_label[focus], entries, reference)
            for label, entries in by_label.items()
            if focus in by_label and label != focus and _shared(by_label[focus], entries)
        },
        to_winner={
            label: _difference(shared[winner], entries, reference)
            for label, entries in shared.items()
            if winner is not None and label != winner
        },
        common=len(common),
        common_means=means,
    )


def _common(columns: Sequence[Sequence[Entry]]) -> set[Place]:
    """Where every contender has a cell: means over other cells are no comparison."""
    return set.intersection(*({_place(entry) for entry in cells} for cells in columns))


def _means(shared: Mapping[str, Sequence[Entry]], reference: str) -> dict[str, dict[str, float]]:
    """By kind of score and label, where every contender has one in every shared cell."""
    found = {}
    for kind in ("per_frame", "streaming"):
        columns = {label: [_score(entry, kind, reference) for entry in cells] for label, cells in shared.items()}
        known = {label: [score for score in column if score is not None] for label, column in columns.items()}
        whole = all(known[label] and len(known[label]) == len(columns[label]) for label in columns)
        found[kind] = {label: float(np.mean(scores)) for label, scores in known.items()} if whole else {}
    return found


def _greatest(means: Mapping[str, float]) -> str | None:
    return max(means, key=lambda label: means[label], default=None)


def _standing(label: str, cells: Sequence[Entry], reference: str) -> Standing:
    clusters = _clusters(cells)
    columns = {kind: [_score(entry, kind, reference) for entry in cells] for kind in ("per_frame", "streaming")}
    columns |= {name: [entry[2].result.figures.get(name) for entry in cells] for name in FIGURES}
    counts: dict[str, int] = {}
    for entry in cells:
        for name, count in entry[2].result.counts.items():
            counts[name] = counts.get(name, 0) + count
    return Standing(
        contender=label,
        cells=len(cells),
        videos=clusters.videos,
        recordings=clusters.recordings,
        answers=sum(int(entry[2].result.figures["answers"] or 0) for entry in cells),
        intervals={
            name: clusters.mean_interval([value for value in column if value is not None])
            for name, column in columns.items()
            if all(value is not None for value in column)
        },
        counts=dict(sorted(counts.items())),
        above_expected=_above_expected(cells),
    )


def _above_expected(cells: Sequence[Entry]) -> float | None:
    """Over all frames sent: a cell that sent none has no share of its own."""
    rows = [dict(zip(COLUMNS, row, strict=True)) for entry in cells for row in entry[2].result.answers]
    sent = [row for row in rows if row["expected_bytes"] != "" and int(row["bytes"])]
    return float(np.mean([int(row["bytes"]) > int(row["expected_bytes"]) for row in sent])) if sent else None


def _difference(ours: Sequence[Entry], theirs: Sequence[Entry], reference: str) -> Difference:
    a, b = ({_place(entry): entry for entry in cells} for cells in (ours, theirs))
    shared = _shared(ours, theirs)
    scores = [[_score(side[place], "per_frame", reference) or 0.0 for place in shared] for side in (a, b)]
    return _clusters([a[place] for place in shared]).difference(np.array(scores[0]), np.array(scores[1]))


def _shared(ours: Sequence[Entry], theirs: Sequence[Entry]) -> list[Place]:
    places = {_place(entry) for entry in theirs}
    return [_place(entry) for entry in ours if _place(entry) in places]


def _place(entry: Entry) -> Place:
    """What two contenders' cells have in common."""
    cell = entry[2].cell
    return cell.clip.name, cell.trace.name, cell.offset_number


def _clusters(cells: Sequence[Entry]) -> Clusters:
    return Clusters([e[2].cell.clip.name for e in cells], [e[2].cell.trace.cluster for e in cells])


def _score(entry: Entry, kind: str, reference: str) -> float | None:
    return entry[2].result.figures.get(f"ap50_{kind}_{reference}")
