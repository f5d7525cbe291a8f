"""F1 of a video and of one frame."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foveate.core import Detections
from foveate.metrics.matching import Matches, match


@dataclass(frozen=True, kw_only=True)
class Counts:
    """True positives, false positives and misses; those of several frames add up with `+`."""

    tp: int = 0
    """Predictions that found their object."""
    fp: int = 0
    """Predictions of nothing."""
    fn: int = 0
    """Objects that nobody found."""

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(tp=self.tp + other.tp, fp=self.fp + other.fp, fn=self.fn + other.fn)

    @property
    def precision(self) -> float:
        """Share of predictions that are right; 1 without predictions."""
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else 1.0

    @property
    def recall(self) -> float:
        """Share of objects that were found; 1 without objects."""
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of the two; 1 with neither truth nor prediction."""
        errors = self.fp + self.fn
        return 2 * self.tp / (2 * self.tp + errors) if self.tp + errors else 1.0


class F1Counter:
    """Adds up frames. What counts as a hit is `match`'s matter; scores are thresholded by the caller."""

    def __init__(self, *, iou: float = 0.5) -> None:
        self.iou = iou
        """Least overlap of a hit."""
        self.frames = 0
        """How many frames were added."""
        self.per_class: dict[str, Counts] = {}
        """Sums by class name, in order of appearance among the truth's classes."""

    def add(
        self,
        predicted: Detections,
        truth: Detections,
        *,
        ignore: NDArray[np.float32] | None = None,
        ignore_class: NDArray[np.int32] | None = None,
    ) -> Counts:
        """Add one frame; its own counts, whose `f1` is the frame's. `ignore`, `ignore_class`: see `match`."""
        matches = match(predicted, truth, iou=self.iou, ignore=ignore, ignore_class=ignore_class)
        frame = _counts_by_class(matches, predicted, truth)
        self.frames += 1
        for name, counts in frame.items():
            self.per_class[name] = self.per_class.get(name, Counts()) + counts
        return sum(frame.values(), Counts())

    @property
    def total(self) -> Counts:
        """Sums over all classes and frames."""
        return sum(self.per_class.values(), Counts())

    @property
    def f1(self) -> float:
        """F1 of all frames: from sums, not a mean of frames."""
        return self.total.f1

    @property
    def precision(self) -> float:
        """Precision of all frames."""
        return self.total.precision

    @property
    def recall(self) -> float:
        """Recall of all frames."""
        return self.total.recall


def _counts_by_class(matches: Matches, predicted: Detections, truth: Detections) -> dict[str, Counts]:
    """Counts of one frame for every class that the truth knows."""
    hits, wrong, missed = (
        [source.class_names[i] for i in source.class_id[rows]]
        for source, rows in (
            (truth, matches.truth),
            (predicted, matches.false_positives),
            (truth, matches.missed),
        )
    )
    return {
        name: Counts(tp=hits.count(name), fp=wrong.count(name), fn=missed.count(name)) for name in truth.class_names
    }
