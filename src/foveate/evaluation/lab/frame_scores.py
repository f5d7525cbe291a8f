"""Hits, false alarms and misses of displayed frames and of server answers."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from foveate.core import Detections
from foveate.evaluation.lab.references import Reference
from foveate.metrics import Counts, Matches, match


@dataclass(frozen=True, kw_only=True)
class FrameScore:
    """One frame against one reference."""

    counts: Counts
    ignored: int
    """Objects that nobody was asked to find."""
    dropped: int
    """Predictions on them, or of classes that the reference does not know."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scored:
    """A frame with its matches."""

    index: int
    """In the played order."""
    predicted: Detections
    matches: dict[str, Matches]
    """By reference; one without truth for this frame is missing."""
    scores: dict[str, FrameScore]
    """As `matches`."""


def scored_frames(
    frames: Iterable[tuple[int, Detections]], references: Sequence[Reference], file_position: Callable[[int], int]
) -> list[Scored]:
    """Every frame against every reference that covers it."""
    return [_scored(index, predicted, references, file_position(index)) for index, predicted in frames]


def total(scored: Iterable[Scored], reference: str) -> Counts:
    """Sums over the frames that the reference covers."""
    return sum((frame.scores[reference].counts for frame in scored if reference in frame.scores), Counts())


def f1_of(scored: Sequence[Scored], reference: str) -> float | None:
    """F1 of these sums; None where the reference covers no frame, for the F1 of nothing would read as a perfect one."""
    return total(scored, reference).f1 if any(reference in frame.scores for frame in scored) else None


def _scored(index: int, predicted: Detections, references: Sequence[Reference], position: int) -> Scored:
    matches, scores = {}, {}
    for reference in references:
        truth = reference.truths.get(position)
        if truth is None:
            continue
        found = match(predicted, truth.detections, ignore=truth.ignore, ignore_class=truth.ignore_class)
        matches[reference.name] = found
        counts = Counts(tp=len(found.truth), fp=len(found.false_positives), fn=len(found.missed))
        scores[reference.name] = FrameScore(counts=counts, ignored=len(truth.ignore), dropped=len(found.dropped))
    return Scored(index=index, predicted=predicted, matches=matches, scores=scores)
