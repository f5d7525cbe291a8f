"""Natural breaks: classes of least variance inside (Jenks 1967; Hyperion, section III-A, "mini-batch form").

A dynamic programme over bins of equal values or of equal counts, whose counts, sums and squares are exact. The best last
cut moves right with the number of values that are divided, so each layer is found by halving instead of by trying all pairs.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foveate.core import IMPORTANCE_CLASSES, ClassMap, InputError

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]

BINS = 1024
"""Bins of equal counts, and as many of equal width: the long tail of attention needs both."""


def natural_breaks(values: ArrayLike, classes: int = IMPORTANCE_CLASSES, *, bins: int | None = BINS) -> Numbers:
    """Upper bounds `(classes - 1,)` of all classes but the last, rising; a value equal to a bound is below it.

    `values`: any shape, finite. `bins`: bins of equal counts, and as many of equal width, between which cuts may lie;
    None allows a cut between any two different values (the exact algorithm). With fewer different values than classes
    the last bounds repeat the greatest value, and the highest classes stay empty. Raises `InputError`.
    """
    ordered = np.sort(np.asarray(values).reshape(-1)).astype(np.float64)
    if not len(ordered) or not np.isfinite(ordered[[0, -1]]).all():
        raise InputError(f"natural breaks need at least one value, all finite, got {len(ordered)}")
    if classes < 1 or (bins is not None and bins < classes):
        raise InputError(f"need at least 1 class and as many bins, got {classes} classes and {bins} bins")
    edges = _edges(ordered, bins)
    cuts = edges[_best_cuts(_Bins.of(ordered, edges), classes)]
    return ordered[cuts - 1]


def importance_classes(importance: ArrayLike, breaks: ArrayLike) -> ClassMap:
    """Class of each value: how many of the `breaks` lie below it; uint8 of the same shape."""
    return np.searchsorted(np.asarray(breaks), np.asarray(importance), side="left").astype(np.uint8)
