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
    grown = margin * (boxes[:, 2:] - boxes[:, :2])
    farthest = max(cells.shape)
    low = np.floor((boxes[:, :2] - grown) / CELL).clip(0, farthest).astype(int)
    high = np.ceil((boxes[:, 2:] + grown) / CELL).clip(0, farthest).astype(int)
    for (left, top), (right, bottom) in zip(low.tolist(), high.tolist(), strict=True):
        cells[top:bottom, left:right] = 1
    _, _, found, _ = cv2.connectedComponentsWithStats(cells, connectivity=8)
    corners = np.array([(y, x, y + h, x + w) for x, y, w, h, _ in found[1:].tolist()], np.int64).reshape(-1, 4)
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
    # By name: one answer may be the device's and the other the cloud's, whose models may know other classes.
    ours, theirs = (found.class_id_in(newest.class_names) for found in (newest, before))
    distance[ours[:, None] != theirs[None]] = np.inf
    nearest = distance.argmin(axis=1)
    reach = _FARTHEST * (newest.boxes[:, 2:] - newest.boxes[:, :2]).max(axis=1)
    same = distance[np.arange(len(now)), nearest] <= reach
    shifts[same] = now[same] - then[nearest[same]]
    return shifts


def _centres(found: Detections) -> NDArray[np.float64]:
    return np.asarray((found.boxes[:, :2] + found.boxes[:, 2:]) / 2, np.float64)


Corners = NDArray[np.int64]
"""Top, left, bottom, right: `(4,)`, or `(n, 4)` of several rectangles."""
_NEVER = np.iinfo(np.int64).max


def _disjoint(corners: Corners, most: int) -> list[list[int]]:
    """Join rectangles that overlap, and the pairs that waste least, until at most `most` are left."""
    left, waste = corners, np.triu(_waste(corners, corners), 1)
    waste[np.tril_indices(len(left))] = _NEVER
    while len(left) > 1:
        pair = np.unravel_index(int(waste.argmin()), waste.shape)
        if waste[pair] >= 0 and len(left) <= most:
            break
        joined = _hull(left[pair[0]], left[pair[1]])
        others = np.delete(np.arange(len(left)), pair)
        left, among = np.concatenate([left[others], joined[None]]), waste[np.ix_(others, others)]
        waste = np.full((len(left), len(left)), _NEVER)
        waste[:-1, :-1], waste[:-1, -1:] = among, _waste(left[:-1], joined[None])
    return sorted(left.tolist())


def _waste(a: Corners, b: Corners) -> NDArray[np.int64]:
    """`(n, m)`: what the hull of two rectangles `(n, 4)` and `(m, 4)` holds beside them; -1 where they overlap."""
    first, second = a[:, None], b[None]
    overlap = (first[..., :2] < second[..., 2:]).all(axis=2) & (second[..., :2] < first[..., 2:]).all(axis=2)
    return np.where(overlap, -1, _area(_hull(first, second)) - _area(first) - _area(second))


def _hull(a: Corners, b: Corners) -> Corners:
    return np.concatenate([np.minimum(a[..., :2], b[..., :2]), np.maximum(a[..., 2:], b[..., 2:])], axis=-1)


def _area(corners: Corners) -> NDArray[np.int64]:
    return np.asarray((corners[..., 2:] - corners[..., :2]).prod(axis=-1), np.int64)
