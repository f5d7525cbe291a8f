"""Natural breaks: classes of least variance inside (Jenks 1967; Hyperion, section III-A, its "mini-batch form").

A dynamic programme over bins whose counts, sums and squares are exact. The best last cut moves right with the number of
values that are divided, so that each layer is found by halving instead of by trying all pairs of bins.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foveate.core import IMPORTANCE_CLASSES, ClassMap, ImportanceMap, InputError

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]

SCALES = ("linear", "log")
Scale = Literal["linear", "log"]
"""Of importance: as it is (the paper), or its logarithm."""

BINS = 1024
"""Bins of equal counts, and as many of equal width: the middle of attention needs the one, its long tail the other."""
_LEAST = 1e-12
"""Importance whose logarithm is still taken."""


def natural_breaks(values: ArrayLike, classes: int = IMPORTANCE_CLASSES, *, bins: int | None = BINS) -> Numbers:
    """Upper bounds `(classes - 1,)` of all classes but the last, rising; a value equal to a bound lies below it.

    `values`: finite, of any shape. `bins`: bins of equal counts, and as many of equal width, between which cuts may
    lie; None allows a cut between any two different values (the exact algorithm). With fewer different values than
    classes the last bounds repeat the greatest value, and the highest classes stay empty. Raises `InputError`.
    """
    ordered = np.sort(np.asarray(values).reshape(-1)).astype(np.float64)
    if not len(ordered) or not np.isfinite(ordered[[0, -1]]).all():
        raise InputError(f"natural breaks need at least one value, and all of them finite, got {len(ordered)} values")
    if classes < 1 or (bins is not None and bins < 1):
        raise InputError(f"natural breaks need at least one class and one bin, got {classes} and {bins}")
    edges = _edges(ordered, bins)
    cuts = edges[_best_cuts(_Spread.of(ordered, edges), min(classes, len(edges) - 1))]
    return np.pad(ordered[cuts - 1], (0, classes - 1 - len(cuts)), constant_values=ordered[-1])


def importance_classes(importance: ArrayLike, breaks: ArrayLike) -> ClassMap:
    """Class of each value: how many of the `breaks` lie below it; uint8 of the same shape.

    Raises `InputError` for more than 256 classes.
    """
    bounds = np.asarray(breaks)
    if len(bounds) > np.iinfo(np.uint8).max:
        raise InputError(f"at most 256 classes are told apart, got {len(bounds) + 1}")
    return np.searchsorted(bounds, np.asarray(importance), side="left").astype(np.uint8)


def classify_patches(
    importance: ImportanceMap, classes: int = IMPORTANCE_CLASSES, *, scale: Scale = "linear"
) -> ClassMap:
    """Natural-breaks class of each patch, uint8 `(rows, columns)`.

    `scale`: what variance is taken of. Attention has so long a tail that most patches share one class of it; classes of
    its logarithm are of one order of size. Raises `InputError` on an unknown scale.
    """
    if scale not in SCALES:
        raise InputError(f"the scale of importance must be one of {', '.join(SCALES)}, got {scale!r}")
    values = importance if scale == "linear" else np.log(np.maximum(importance, _LEAST))
    return importance_classes(values, natural_breaks(values, classes))


def goodness_of_variance_fit(values: ArrayLike, classes: ArrayLike) -> float:
    """1 - squares inside classes / squares around the mean; 1 where all values are equal."""
    wide, labels = np.asarray(values, np.float64).reshape(-1), np.asarray(classes).reshape(-1)
    wide = wide - wide.mean()
    sums, counts = np.bincount(labels, wide), np.maximum(np.bincount(labels), 1)
    total = float(wide @ wide)
    return float((sums**2 / counts).sum()) / total if total > 0 else 1.0


def _edges(ordered: Numbers, bins: int | None) -> Indices:
    """Where cuts may lie: places `0..n` between different neighbours, both ends among them."""
    n = len(ordered)
    if bins is None or bins >= n:
        inside = np.flatnonzero(np.diff(ordered)) + 1
    else:
        equal_counts = ordered[np.linspace(0, n, bins + 1).astype(int)[1:-1] - 1]
        equal_widths = np.linspace(ordered[0], ordered[-1], bins + 1)[1:-1]
        inside = np.searchsorted(ordered, np.concatenate([equal_counts, equal_widths]), side="right")
    return np.unique(np.concatenate([[0], inside, [n]]))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Spread:
    """Counts, sums and squares at the edges of bins, run outward from the median: far values swallow none near it."""

    counts: Numbers
    sums: Numbers
    squares: Numbers

    @classmethod
    def of(cls, ordered: Numbers, edges: Indices) -> "_Spread":
        middle = len(ordered) // 2
        centred = ordered - ordered[middle]
        _, exponent = np.frexp(centred[-1] - centred[0])
        centred = np.ldexp(centred, -exponent)  # squares of any numbers can then be told from 0
        sums, squares = (_running(values, middle) for values in (centred, centred**2))
        return cls(counts=edges.astype(np.float64), sums=sums[edges], squares=squares[edges])

    def cost(self, first: Indices, last: Indices | int) -> Numbers:
        """Squares around their mean of the values from edge `first` to edge `last`, which lies behind it."""
        sums = self.sums[last] - self.sums[first]
        cost: Numbers = self.squares[last] - self.squares[first] - sums**2 / (self.counts[last] - self.counts[first])
        return cost


def _running(values: Numbers, middle: int) -> Numbers:
    """Sums `(n + 1,)` of the values from place `middle` up to each place; negative sums below it."""
    below, above = np.cumsum(values[:middle][::-1])[::-1], np.cumsum(values[middle:])
    return np.concatenate([-below, [0.0], above])


def _best_cuts(spread: _Spread, classes: int) -> Indices:
    """Edges `(classes - 1,)` at which the values are cut into that many classes, none of them empty."""
    end = len(spread.counts) - 1
    best = np.full(end + 1, np.inf)
    best[1:] = spread.cost(np.zeros(end, np.int64), np.arange(1, end + 1))
    layers = []
    for used in range(2, classes):
        best, last_cut = _divided(spread, best, used)
        layers.append(last_cut)
    cuts = [] if classes == 1 else [_last_cut(spread, best, classes)]
    for last_cut in reversed(layers):
        cuts.append(int(last_cut[cuts[-1]]))
    return np.array(cuts[::-1], np.int64)


def _last_cut(spread: _Spread, best: Numbers, classes: int) -> int:
    """The cut below the highest class, given the best costs of what lies below it."""
    end = len(best) - 1
    first = np.arange(classes - 1, end)
    return int(first[np.argmin(best[first] + spread.cost(first, end))])


def _divided(spread: _Spread, below: Numbers, used: int) -> tuple[Numbers, Indices]:
    """Least cost of the values before each edge in `used` classes, and the edge at which the highest begins.

    `below`: the same in one class less. Edges are settled by halving steps: those between two settled ones cut between
    the cuts of these.
    """
    end = len(below) - 1
    best, cut = np.full(end + 1, np.inf), np.full(end + 1, end, np.int64)
    cut[:used] = used - 1
    step = 1 << end.bit_length()
    while step := step // 2:
        edge = np.arange(step, end + 1, 2 * step)
        edge = edge[edge >= used]
        low = np.maximum(cut[edge - step], used - 1)
        high = np.minimum(cut[np.minimum(edge + step, end)], edge - 1)
        best[edge], cut[edge] = _least(spread, below, edge, low, high)
    return best, cut


def _least(spread: _Spread, below: Numbers, edge: Indices, low: Indices, high: Indices) -> tuple[Numbers, Indices]:
    """For each edge the least cost over cuts `low..high`, and the lowest cut that has it."""
    if not len(edge):
        return np.zeros(0), np.zeros(0, np.int64)
    lengths = high - low + 1
    starts = np.cumsum(lengths) - lengths
    tried = np.arange(lengths.sum()) + np.repeat(low - starts, lengths)
    cost = below[tried] + spread.cost(tried, np.repeat(edge, lengths))
    least = np.minimum.reduceat(cost, starts)
    reached = np.flatnonzero(cost == np.repeat(least, lengths))
    return least, tried[reached[np.searchsorted(reached, starts)]]
