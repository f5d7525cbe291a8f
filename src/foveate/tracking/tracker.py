"""The local tracker: boxes follow the optical flow of a few points each (ViTMAlis, sections IV-B and V)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from foveate.core import Detections, InputError
from foveate.tracking.box_motion import move_boxes
from foveate.tracking.flow import FlowSettings, Points, follow
from foveate.tracking.grey import GreyPair
from foveate.tracking.points import POINTS, seed

LEAST_POINTS = 3
"""An object with fewer trusted points is lost."""
RESEED_BELOW = 3 * POINTS // 4
"""An object with fewer trusted points gets new ones in its present box."""
LEAST_INSIDE = 0.25
"""A box of which a smaller share is inside the frame has left it: the share below which truth is ignored, too."""


@dataclass(kw_only=True, eq=False)
class _Generation:
    """The objects of one result. Boxes are xyxy in pixels of the reduced frame, not clipped."""

    result: Detections
    """What the generation began with."""
    grey: GreyPair
    """The frame that the rest refers to."""
    boxes: NDArray[np.float64]
    """`(n, 4)`."""
    points: Points
    """`(n, POINTS, 2)`."""
    trusted: NDArray[np.bool_]
    """`(n, POINTS)`: points that survived the last step or are new."""
    drift: NDArray[np.float64]
    """`(n, 4)`: how the boxes changed in the last step."""
    tracked: NDArray[np.bool_]
    """`(n,)`: neither lost nor left."""
    left: NDArray[np.bool_]
    """`(n,)`: left the frame while it was tracked, or was never in it."""
    cut_off: NDArray[np.bool_]
    """`(n, 4)`: sides that lay on the frame's border in the result."""


class Tracker:
    """Sparse optical flow over all objects at once: one call forward and one backward per frame.

    A box moves and grows by the median of its points. An object is lost when fewer than `LEAST_POINTS` of them
    survive the check backward; it has left when less than `LEAST_INSIDE` of its box is in the frame. Lost and left
    objects are shown no more and do not come back before the next result. A box that the border cut off in the result
    stays open on that side: what comes in from there still belongs to it.

    `flow`: how points are followed. `stride`: while catching up only every such frame is looked at, and the last.
    Raises `InputError` on a stride below 1.
    """

    def __init__(self, *, flow: FlowSettings | None = None, stride: int = 1) -> None:
        if stride < 1:
            raise InputError(f"stride must be at least 1, got {stride}")
        self._flow = flow or FlowSettings()
        self._stride = stride
        self._now: _Generation | None = None

    def restart(self, detections: Detections, grey: GreyPair) -> None:
        """Start a generation at the frame in which `detections` was found. Raises `InputError` on boxes not finite."""
        if not np.isfinite(detections.boxes).all():
            raise InputError("boxes to track must be finite numbers")
        boxes = detections.boxes.astype(np.float64) / _corner_scale(grey)
        left = _share_inside(boxes, grey) < LEAST_INSIDE
        count = len(boxes)
        self._now = _Generation(
            result=detections,
            grey=grey,
            boxes=boxes,
            points=np.zeros((count, POINTS, 2), np.float32),
            trusted=np.zeros((count, POINTS), np.bool_),
            drift=np.zeros((count, 4)),
            tracked=~left,
            left=left,
            cut_off=_at_border(boxes, grey),
        )
        _reseed(self._now)

    def advance(self, grey: GreyPair) -> None:
        """Move on to the next frame; nothing happens before the first `restart`.

        Raises `InputError` if the frame's size is not that of the generation's first.
        """
        now = self._now
        if now is None:
            return
        if grey.size != now.grey.size:
            raise InputError(f"tracking began in a frame of {now.grey.size}, got one of {grey.size}")
        before = now.points.copy()
        used = now.trusted & now.tracked[:, None]
        now.points[used], trusted = follow(now.grey.tracking, grey.tracking, before[used], self._flow)
        now.trusted = np.zeros_like(used)
        now.trusted[used] = trusted
        now.grey = grey
        _move(now, before)
        _reseed(now)

    def catch_up(self, frames: Sequence[GreyPair]) -> None:
        """Move on over the frames after the offloaded one, oldest first: every `stride`-th, counted from the last."""
        for grey in frames[(len(frames) - 1) % self._stride :: self._stride]:
            self.advance(grey)

    def detections(self) -> Detections:
        """What is still tracked, in the order of the result; boxes in original pixels, clipped to the frame."""
        now = self._now
        if now is None:
            return Detections.empty(())
        boxes = _shown(now)[now.tracked] * _corner_scale(now.grey)
        return replace(now.result.select(now.tracked), boxes=boxes.astype(np.float32))

    @property
    def retention(self) -> float:
        """kappa: objects of the result still tracked over those that did not leave the frame; 1 if there are none."""
        now = self._now
        counted = 0 if now is None else int((~now.left).sum())
        return 1.0 if now is None or counted == 0 else int(now.tracked.sum()) / counted


def _move(now: _Generation, before: Points) -> None:
    """Move the boxes with their points, then sort out who left and who is lost.

    A box with too few points goes on as it went before: an object that leaves fast takes its points with it.
    """
    enough = now.trusted.sum(axis=1) >= LEAST_POINTS
    moved = move_boxes(now.boxes, before, now.points, now.trusted)
    boxes = np.where(enough[:, None], moved, now.boxes + now.drift)
    now.drift = boxes - now.boxes
    now.boxes = np.where(now.tracked[:, None], boxes, now.boxes)
    now.left |= now.tracked & (_share_inside(now.boxes, now.grey) < LEAST_INSIDE)
    now.tracked = now.tracked & enough & ~now.left


def _reseed(now: _Generation) -> None:
    """New points for tracked objects that have few."""
    few = now.trusted.sum(axis=1) < RESEED_BELOW
    for index in np.flatnonzero(few & now.tracked):
        now.points[index] = seed(now.grey.tracking, now.boxes[index])
        now.trusted[index] = True


def _shown(now: _Generation) -> NDArray[np.float64]:
    """Boxes `(n, 4)` as they are displayed: cut-off sides at the border, all inside the frame."""
    limits = _corner_limits(now.grey)
    border = np.where([True, True, False, False], 0.0, limits)
    return np.clip(np.where(now.cut_off, border, now.boxes), 0.0, limits)


def _at_border(boxes: NDArray[np.float64], grey: GreyPair) -> NDArray[np.bool_]:
    """Which sides `(n, 4)` lie on the frame's border, to one pixel."""
    limits = _corner_limits(grey)
    return np.concatenate([boxes[:, :2] <= 1, boxes[:, 2:] >= limits[2:] - 1], axis=1)


def _share_inside(boxes: NDArray[np.float64], grey: GreyPair) -> NDArray[np.float64]:
    """Share `(n,)` of each box's area that is inside the frame; 1 for a box without area inside it."""
    within = np.clip(boxes, 0.0, _corner_limits(grey))
    speck = 1e-6  # a box without area is a point
    shown, whole = ((b[:, 2:] - b[:, :2]).clip(min=0) for b in (within, boxes))
    outside = (boxes[:, :2] > _corner_limits(grey)[:2]) | (boxes[:, 2:] < 0)
    shares: NDArray[np.float64] = ((shown + speck) / (whole + speck)).prod(axis=1)
    return np.where(outside.any(axis=1), 0.0, shares)


def _corner_limits(grey: GreyPair) -> NDArray[np.float64]:
    """Width, height, width, height of the reduced frame."""
    height, width = grey.tracking.shape
    return np.array([width, height, width, height], np.float64)


def _corner_scale(grey: GreyPair) -> NDArray[np.float64]:
    """Original pixels per reduced pixel for x, y, x, y."""
    y, x = grey.scale
    return np.array([x, y, x, y])
