"""Which prediction is which object: greedy one-to-one matching, as COCO does it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foveate.core import Detections

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
    union = areas(a)[:, None] + areas(b)[None] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def intersections(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    """Shared area `(n, m)` of xyxy boxes, square pixels."""
    left, right = np.asarray(a, np.float64).reshape(-1, 1, 4), np.asarray(b, np.float64).reshape(1, -1, 4)
    sides = np.minimum(left[..., 2:], right[..., 2:]) - np.maximum(left[..., :2], right[..., :2])
    product: NDArray[np.float64] = sides.clip(min=0).prod(axis=-1)
    return product


def areas(boxes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Area `(n,)` of xyxy boxes, square pixels; 0 where a side is not positive."""
    wide = np.asarray(boxes, np.float64).reshape(-1, 4)
    product: NDArray[np.float64] = (wide[:, 2:] - wide[:, :2]).clip(min=0).prod(axis=-1)
    return product


def match(
    predicted: Detections, truth: Detections, *, iou: float = 0.5, ignore: NDArray[np.float32] | None = None
) -> Matches:
    """Match predictions to true objects of the same class name (ARCHITECTURE, section 2).

    By descending score, each prediction takes the free object of its class with the greatest IoU of at least `iou`.
    One that finds none is a false positive, unless half of its area lies on one of the `ignore` boxes `(m, 4)`, of
    any class, or the truth does not know its class at all: then it is dropped.
    """
    classes = _class_in(truth, predicted)
    free = np.ones(len(truth), np.bool_)
    overlaps = iou_matrix(predicted.boxes, truth.boxes)
    overlaps[classes[:, None] != truth.class_id[None]] = -1
    pairs = []
    for row in np.argsort(-predicted.scores, kind="stable").tolist():
        candidates = np.where(free, overlaps[row], -1)
        best = int(candidates.argmax()) if len(truth) else -1
        if best >= 0 and candidates[best] >= max(iou, 1e-9):
            free[best] = False
            pairs.append((row, best))
    return _sorted_out(np.array(pairs, np.int64).reshape(-1, 2), free, _uncounted(predicted, classes, ignore))


def _class_in(known: Detections, other: Detections) -> NDArray[np.int64]:
    """Class of each row of `other` as an index into `known.class_names`; -1 where the name is unknown."""
    places = {name: index for index, name in enumerate(known.class_names)}
    table = np.array([places.get(name, -1) for name in other.class_names], np.int64)
    found: NDArray[np.int64] = table[other.class_id] if len(other) else np.zeros(0, np.int64)
    return found


def _uncounted(
    predicted: Detections, classes: NDArray[np.int64], ignore: NDArray[np.float32] | None
) -> NDArray[np.bool_]:
    """Which predictions are no false positives even if they match nothing."""
    unknown: NDArray[np.bool_] = classes < 0
    if ignore is None or len(ignore) == 0:
        return unknown
    covered = intersections(predicted.boxes, ignore).max(axis=1)
    area = areas(predicted.boxes)
    on_ignored: NDArray[np.bool_] = (area > 0) & (covered >= _IGNORED_SHARE * area)
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
