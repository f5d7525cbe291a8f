"""Which parts of a frame are worth sending, from where objects were in the last answers (as Elf, MobiCom 2021).

Elf predicts boxes with an attention LSTM. Here each box moves on with the velocity that it had between the last two
answers, and grows: simpler, and documented by its few lines.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from foveate.core import Detections, View

CELL = 32
"""Regions are put together from squares of this side, pixels."""
_FARTHEST = 1.0
"""A box is the same object as one whose centre lies within this many of its own sides."""


def predicted_boxes(answers: tuple[tuple[int, Detections], ...], frame_index: int) -> NDArray[np.float32]:
    """Boxes `(n, 4)` of the newest answer, moved on to frame `frame_index`; none without an answer."""
    if not answers:
        return np.zeros((0, 4), np.float32)
    at, newest = answers[-1]
    if len(answers) == 1 or answers[-2][0] >= at:
        return newest.boxes
    before_at, before = answers[-2]
    shift = _shifts(before, newest) * ((frame_index - at) / (at - before_at))
    return np.asarray(newest.boxes + np.concatenate([shift, shift], axis=1), np.float32)


def region_views(boxes: NDArray[np.float32], size: tuple[int, int], *, margin: float, most: int = 24) -> list[View]:
    """Rectangles that hold all boxes with a margin (share of their sides, each way), none overlapping, at most `most`.

    The rectangles are those of connected groups of squares of `CELL` pixels that the boxes touch.
    """
    height, width = size
    cells = np.zeros((-(-height // CELL), -(-width // CELL)), np.uint8)
    sides = boxes[:, 2:] - boxes[:, :2]
    low = np.floor((boxes[:, :2] - margin * sides) / CELL).clip(min=0).astype(int)
    high = np.ceil((boxes[:, 2:] + margin * sides) / CELL).clip(min=0).astype(int)
    for (left, top), (right, bottom) in zip(low.tolist(), high.tolist(), strict=True):
        cells[top:bottom, left:right] = 1
    _, _, found, _ = cv2.connectedComponentsWithStats(cells, connectivity=8)
    corners = [(y, x, y + h, x + w) for x, y, w, h, _ in found[1:].tolist()]
    return [
        View(top=top * CELL, left=left * CELL, bottom=min(bottom * CELL, height), right=min(right * CELL, width))
        for top, left, bottom, right in _disjoint(corners, most)
    ]


def _shifts(before: Detections, newest: Detections) -> NDArray[np.float64]:
    """Movement `(n, 2)` of the centre of each box of `newest` since `before`; 0 for boxes without a counterpart."""
    shifts = np.zeros((len(newest), 2))
    if not len(newest) or not len(before):
        return shifts
    then, now = _centres(before), _centres(newest)
    distance = np.linalg.norm(now[:, None] - then[None], axis=2)
    distance[newest.class_id[:, None] != before.class_id[None]] = np.inf
    nearest = distance.argmin(axis=1)
    reach = _FARTHEST * (newest.boxes[:, 2:] - newest.boxes[:, :2]).max(axis=1)
    same = distance[np.arange(len(now)), nearest] <= reach
    shifts[same] = now[same] - then[nearest[same]]
    return shifts


def _centres(found: Detections) -> NDArray[np.float64]:
    return np.asarray((found.boxes[:, :2] + found.boxes[:, 2:]) / 2, np.float64)


Corners = tuple[int, int, int, int]


def _disjoint(corners: list[Corners], most: int) -> list[Corners]:
    """Join rectangles that overlap, and the pairs that waste least, until at most `most` are left."""
    left = list(corners)
    while True:
        pair = _overlapping_pair(left) or (_cheapest_pair(left) if len(left) > most else None)
        if pair is None:
            return sorted(left)
        first, second = pair
        joined = _hull(left[first], left[second])
        left = [c for i, c in enumerate(left) if i not in pair] + [joined]


def _overlapping_pair(corners: list[Corners]) -> tuple[int, int] | None:
    for i, a in enumerate(corners):
        for j in range(i + 1, len(corners)):
            b = corners[j]
            if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]:
                return i, j
    return None


def _cheapest_pair(corners: list[Corners]) -> tuple[int, int]:
    pairs = [(i, j) for i in range(len(corners)) for j in range(i + 1, len(corners))]
    return min(
        pairs,
        key=lambda p: _area(_hull(corners[p[0]], corners[p[1]])) - _area(corners[p[0]]) - _area(corners[p[1]]),
    )


def _hull(a: Corners, b: Corners) -> Corners:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _area(corners: Corners) -> int:
    return (corners[2] - corners[0]) * (corners[3] - corners[1])
