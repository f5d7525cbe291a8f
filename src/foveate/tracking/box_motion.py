"""How boxes move when their points do: robust medians over all objects at once."""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from foveate.tracking.flow import Points
from foveate.tracking.points import POINTS

_FIRST, _SECOND = np.array(list(combinations(range(POINTS), 2))).T
_LEAST_DISTANCE = 2.0
"""Points closer than this say nothing about scale, pixels."""
_LEAST_PAIRS = 3
"""With fewer pairs of points the scale is left as it is."""
_HALF_TRUST_SIDE = 30.0
"""Side of a box whose measured change of scale is halved, pixels: the points of a small box see mostly noise."""


def move_boxes(
    boxes: NDArray[np.float64], before: Points, after: Points, trusted: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Boxes `(n, 4)` after their points `(n, POINTS, 2)` moved; those not `trusted` `(n, POINTS)` have no say.

    Scale: median ratio of the distances between two points. Translation: median, per axis, of what is left once the
    points are scaled about the box's centre. Both hold as long as fewer than half of the values are wrong (median
    flow). A box without trusted points stays.
    """
    centres, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    scales = _scales(before, after, trusted, sides.mean(axis=1))
    about = centres[:, None] - 0.5  # points count from pixel centres, boxes from pixel corners
    shifts = (after - about) - scales[:, None, None] * (before - about)
    centres = centres + np.stack([masked_median(shifts[..., axis], trusted) for axis in (0, 1)], axis=1)
    half = sides * scales[:, None] / 2
    return np.concatenate([centres - half, centres + half], axis=1)


def masked_median(values: NDArray[np.floating], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Median along the last axis of `(n, k)` values, of those in `mask` alone; 0 where there are none."""
    ordered = np.where(mask, values, np.inf).astype(np.float64)
    ordered.sort(axis=1)
    counts, rows = mask.sum(axis=1), np.arange(len(values))
    above, below = counts // 2, np.maximum(counts - 1, 0) // 2
    inside = np.minimum(above, values.shape[1] - 1)
    return np.where(counts > 0, (ordered[rows, below] + ordered[rows, inside]) / 2, 0.0)


def _scales(
    before: Points, after: Points, trusted: NDArray[np.bool_], sides: NDArray[np.float64]
) -> NDArray[np.float64]:
    old, new = _distances(before), _distances(after)
    usable = trusted[:, _FIRST] & trusted[:, _SECOND] & (old >= _LEAST_DISTANCE)
    ratios = masked_median(new / np.maximum(old, _LEAST_DISTANCE), usable)
    trust = sides / (sides + _HALF_TRUST_SIDE)
    return np.where(usable.sum(axis=1) >= _LEAST_PAIRS, 1 + (ratios - 1) * trust, 1.0)


def _distances(points: Points) -> NDArray[np.float32]:
    apart = points[:, _FIRST] - points[:, _SECOND]
    lengths: NDArray[np.float32] = np.hypot(apart[..., 0], apart[..., 1])
    return lengths
