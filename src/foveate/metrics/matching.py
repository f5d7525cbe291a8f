"""Which prediction is which object: greedy one-to-one matching, as COCO does it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foveate.core import Detections
from foveate.metrics.truth import EVERY_CLASS

Indices = NDArray[np.int64]
"""Positions `(k,)` in the arrays of a `Detections`."""

_IGNORED_SHARE = 0.5
"""A prediction is dropped if at least this share of its own area lies on one ignored box (COCO's crowd rule)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Matches:
    """Every prediction and every true object of one frame, each in exactly one of these arrays."""

    predicted: Indices
    """Predictions that found their object, by descending score."""
    truth: Indices
    """The objects that they found, in the same order."""
    false_positives: Indices
    """Predictions of nothing."""
    missed: Indices
    """True objects that nobody found."""
    dropped: Indices
    """Predictions that count neither way: on an ignored box, or of a class that the truth does not know."""


def iou_matrix(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    """Intersection over union `(n, m)` of xyxy boxes `(n, 4)` and `(m, 4)`; 0 where both are empty."""
    shared = intersections(a, b)
    union = areas(a)[:, None] + areas(b)[None]
    union -= shared
    # In place: for many boxes fresh memory costs more than arithmetic. Where there is no union, nothing is shared.
    np.divide(shared, union, out=shared, where=union > 0)
    return shared


def intersections(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    """Shared area `(n, m)` of xyxy boxes, square pixels."""
    left, right = (np.asarray(boxes, np.float64).reshape(-1, 4).T for boxes in (a, b))
    shared = _shared_lengths(left, right, 0)
    shared *= _shared_lengths(left, right, 1)
    return shared


def _shared_lengths(left: NDArray[np.float64], right: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """`(n, m)` along x or y of boxes `(4, n)` and `(4, m)`: numpy's inner loop runs over boxes, not over both axes."""
    lengths: NDArray[np.float64] = np.minimum(left[axis + 2][:, None], right[axis + 2])
    lengths -= np.maximum(left[axis][:, None], right[axis])
    np.maximum(lengths, 0, out=lengths)
    return lengths


def areas(boxes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Area `(n,)` of xyxy boxes, square pixels; 0 where a side is not positive."""
    wide = np.asarray(boxes, np.float64).reshape(-1, 4)
    product: NDArray[np.float64] = (wide[:, 2:] - wide[:, :2]).clip(min=0).prod(axis=-1)
    return product


def match(
    predicted: Detections,
    truth: Detections,
    *,
    iou: float = 0.5,
    ignore: NDArray[np.float32] | None = None,
    ignore_class: NDArray[np.int32] | None = None,
) -> Matches:
    """Match predictions to true objects of the same class name.

    By descending score, each prediction takes the free object of its class with the greatest IoU of at least `iou`,
    of equal ones the last. One that finds none is a false positive, unless half of its area lies on one of the
    `ignore` boxes `(m, 4)` that is for its class, or the truth does not know its class at all: then it is dropped.
    `ignore_class`: `(m,)` as in `Truth`; all boxes are for every class if None.
    """
    classes = predicted.class_id_in(truth.class_names)
    overlaps = iou_matrix(predicted.boxes, truth.boxes)
    overlaps[classes[:, None] != truth.class_id_in(truth.class_names)[None]] = -1
    pairs = _greedy(overlaps, predicted.scores, least=max(iou, 1e-9))
    free = np.ones(len(truth), np.bool_)
    free[pairs[:, 1]] = False
    return _sorted_out(pairs, free, _uncounted(predicted, classes, ignore, ignore_class))


def _greedy(overlaps: NDArray[np.float64], scores: NDArray[np.float32], *, least: float) -> Indices:
    """Rows and columns `(k, 2)` that find each other, by descending score; only pairs that could be are looked at."""
    rank = np.empty(len(scores), np.int64)
    rank[np.argsort(-scores, kind="stable")] = np.arange(len(scores))
    rows, columns = np.nonzero(overlaps >= least)
    order = np.lexsort((-columns, -overlaps[rows, columns], rank[rows]))
    found: dict[int, int] = {}
    taken: set[int] = set()
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if row not in found and column not in taken:
            found[row] = column
            taken.add(column)
    return np.array(list(found.items()), np.int64).reshape(-1, 2)


def _uncounted(
    predicted: Detections,
    classes: NDArray[np.int32],
    ignore: NDArray[np.float32] | None,
    ignore_class: NDArray[np.int32] | None,
) -> NDArray[np.bool_]:
    """Which predictions are no false positives even if they match nothing."""
    unknown: NDArray[np.bool_] = classes < 0
    if ignore is None or len(ignore) == 0:
        return unknown
    covered = intersections(predicted.boxes, ignore)
    if ignore_class is not None:
        covered[(ignore_class != EVERY_CLASS) & (ignore_class != classes[:, None])] = 0
    area = areas(predicted.boxes)
    on_ignored: NDArray[np.bool_] = (area > 0) & (covered.max(axis=1) >= _IGNORED_SHARE * area)
    return unknown | on_ignored


def _sorted_out(pairs: Indices, free: NDArray[np.bool_], uncounted: NDArray[np.bool_]) -> Matches:
    unmatched = np.ones(len(uncounted), np.bool_)
    unmatched[pairs[:, 0]] = False
    return Matches(
        predicted=pairs[:, 0],
        truth=pairs[:, 1],
        false_positives=np.flatnonzero(unmatched & ~uncounted),
        missed=np.flatnonzero(free),
        dropped=np.flatnonzero(unmatched & uncounted),
    )
