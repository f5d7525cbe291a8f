"""What really is in a frame, and what of it nobody is asked to find."""

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foveate.core import Detections, InputError

EVERY_CLASS = -1
"""In place of its class, of an ignored box that is for predictions of every class."""
LEAST_VISIBLE = 0.25
"""Objects of which a smaller share can be seen are ignored."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Truth:
    """True objects of one frame. Raises `InputError` where lengths disagree."""

    detections: Detections
    """The objects that count; scores are 1 unless another model made them."""
    ignore: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    """`(m, 4)` xyxy boxes: predictions on them are neither right nor wrong."""
    ignore_class: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    """`(m,)` class whose predictions each ignored box is for, as in the detections; `EVERY_CLASS` where left out."""
    track_ids: NDArray[np.int64] | None = None
    """`(n,)` which object it is, the same in every frame; None where nobody knows."""
    visible: NDArray[np.float32] | None = None
    """`(n,)` share of the object that can be seen, 0..1; None where nobody knows."""
    by_people: NDArray[np.bool_] | None = None
    """`(n,)` whether a person made the box; None where nobody knows."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "ignore", np.asarray(self.ignore, np.float32).reshape(-1, 4))
        object.__setattr__(self, "ignore_class", self._classes_of_ignored())
        for name, dtype in (("track_ids", np.int64), ("visible", np.float32), ("by_people", np.bool_)):
            values = getattr(self, name)
            if values is None:
                continue
            values = np.asarray(values, dtype)
            if values.shape != (len(self.detections),):
                raise InputError(f"{name} of {len(self.detections)} objects must be as many, got {values.shape}")
            object.__setattr__(self, name, values)

    def _classes_of_ignored(self) -> NDArray[np.int32]:
        classes, count = np.asarray(self.ignore_class, np.int32), len(self.ignore)
        if not classes.size:
            return np.full(count, EVERY_CLASS, np.int32)
        most = len(self.detections.class_names) - 1
        if classes.shape != (count,) or not EVERY_CLASS <= classes.min() <= classes.max() <= most:
            raise InputError(f"ignore_class must be {count} numbers from {EVERY_CLASS} to {most}, got {classes}")
        return classes

    def ignoring(self, boxes: NDArray[np.float32]) -> Self:
        """The same with further boxes `(k, 4)` that are ignored for every class."""
        every = np.full(len(boxes), EVERY_CLASS, np.int32)
        return replace(
            self,
            ignore=np.concatenate([self.ignore, boxes]),
            ignore_class=np.concatenate([self.ignore_class, every]),
        )

    def select(self, index: ArrayLike) -> Self:
        """The objects named by a boolean or integer index; ignored boxes stay."""
        rows = np.asarray(index)
        rows = rows if rows.size else rows.astype(np.intp)  # an empty list is of no integer type
        return replace(
            self,
            detections=self.detections.select(rows),
            track_ids=None if self.track_ids is None else self.track_ids[rows],
            visible=None if self.visible is None else self.visible[rows],
            by_people=None if self.by_people is None else self.by_people[rows],
        )


def with_ignore_rules(truth: Truth, *, frame_height: int) -> Truth:
    """Move hardly visible and very small objects among the boxes that are ignored for every class.

    Ignored are objects of which under 25 % is visible, and those whose box is lower than `least_height`.
    """
    boxes = truth.detections.boxes
    ignored = boxes[:, 3] - boxes[:, 1] < least_height(frame_height)
    if truth.visible is not None:
        ignored |= truth.visible < LEAST_VISIBLE
    return truth.select(~ignored).ignoring(boxes[ignored])


def only_by_people(truth: Truth) -> Truth:
    """Move objects whose boxes no person made among the boxes that are ignored for every class."""
    if truth.by_people is None:
        return truth
    return truth.select(truth.by_people).ignoring(truth.detections.boxes[~truth.by_people])


def least_height(frame_height: int) -> float:
    """Least height of an object that counts, pixels: 16 at 1080p, 24 at 4K, linear between, and down to 0."""
    return float(np.interp(frame_height, (0, 1080, 2160), (0, 16, 24)))
