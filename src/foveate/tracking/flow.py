"""Where points went from one frame to the next: sparse pyramidal Lucas-Kanade, checked backward."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from foveate.core import InputError
from foveate.tracking.grey import Grey

Points = NDArray[np.float32]
"""`(..., 2)` x and y, pixels of the reduced frame; whole numbers are pixel centres."""


_CONVERGED = 0.03
"""A point that moves less than this in one step has arrived, pixels."""


@dataclass(frozen=True, kw_only=True)
class FlowSettings:
    """How points are followed. Raises `InputError` on values out of range."""

    window: int = 11
    """Side of the patch around a point that is compared, pixels; at least 3."""
    levels: int = 3
    """Levels of the pyramid above the frame itself: each doubles the motion that can be followed."""
    iterations: int = 10
    """Steps per level at most."""
    round_trip_pixels: float = 0.75
    """A point whose way forward and back ends farther than this from its start is dropped, pixels."""

    def __post_init__(self) -> None:
        if self.window < 3 or self.levels < 0 or self.iterations < 1 or not self.round_trip_pixels > 0:
            raise InputError(
                "window must be at least 3, levels at least 0, iterations at least 1 and round_trip_pixels above 0, "
                f"got {self.window}, {self.levels}, {self.iterations} and {self.round_trip_pixels}"
            )


def follow(before: Grey, after: Grey, points: Points, settings: FlowSettings) -> tuple[Points, NDArray[np.bool_]]:
    """Positions `(n, 2)` in `after` of the `points` `(n, 2)` of `before`, and which of them `(n,)` can be trusted.

    A point is trusted if both ways converge, the way back ends near its start, and it is still inside the frame.
    The way back begins at the point itself, with the whole pyramid: begun at the start, which halves its time, it
    ends there even where something else now covers the object.
    """
    if len(points) == 0:
        return points.reshape(0, 2), np.zeros(0, np.bool_)
    start = np.ascontiguousarray(points, np.float32)
    ahead, found = _flow(before, after, start, settings)
    back, found_back = _flow(after, before, ahead, settings)
    near = np.linalg.norm(back - start, axis=1) <= settings.round_trip_pixels
    return ahead, found & found_back & near & _inside(ahead, after)


def _flow(before: Grey, after: Grey, points: Points, settings: FlowSettings) -> tuple[Points, NDArray[np.bool_]]:
    moved, found, _ = cv2.calcOpticalFlowPyrLK(
        before,
        after,
        points,
        points.copy(),
        winSize=(settings.window, settings.window),
        maxLevel=settings.levels,
        criteria=(cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, settings.iterations, _CONVERGED),
    )
    return np.asarray(moved, np.float32), np.asarray(found, np.bool_)[:, 0]


def _inside(points: Points, grey: Grey) -> NDArray[np.bool_]:
    limits = np.array([grey.shape[1], grey.shape[0]], np.float32) - 0.5
    return np.asarray(((points >= -0.5) & (points < limits)).all(axis=1), np.bool_)
