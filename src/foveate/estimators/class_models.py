"""Size and accuracy of one quality per class, before anything is compressed (Hyperion, section III-B, equations 3 and 4).

Each estimator gives one number per class and quality, whose sums are what the knapsack compares.
"""

import numpy as np
from numpy.typing import NDArray

from foveate.core import AccuracyLine, InputError, SizeLine, SizeTable

Numbers = NDArray[np.float64]


def size_by_class(
    model: SizeLine | SizeTable, *, original_bytes: float, shares: Numbers, qualities: tuple[int, ...]
) -> tuple[Numbers, float]:
    """Bytes `(classes, qualities)` of each class at each quality, and the bytes that come on top whatever is chosen.

    `original_bytes`: of this frame at the top quality. `shares` `(classes,)`: p_c. Their sum over the classes of a
    choice, plus the fixed part, is equation 3. Raises `InputError` where classes or qualities are not the model's.
    """
    raise NotImplementedError


def accuracy_by_class(model: AccuracyLine, qualities: tuple[int, ...]) -> Numbers:
    """w_c q_c `(classes, qualities)`: what each class at each quality adds to the accuracy (equation 4)."""
    raise NotImplementedError


def fit_size_line(ratio: Numbers, mean_quality: Numbers) -> SizeLine:
    """Equation 3 by least squares from rows of size / original size and sum_c p_c q_c, both `(n,)`."""
    raise NotImplementedError


def fit_size_table(ratio: Numbers, shares: Numbers, chosen: NDArray[np.int64], qualities: tuple[int, ...]) -> SizeTable:
    """Convex rising sizes per class by non-negative least squares.

    `ratio` `(n,)`: size / original size; `shares` `(n, classes)`; `chosen` `(n, classes)`: qualities.
    """
    raise NotImplementedError


def fit_accuracy_line(accuracy: Numbers, chosen: NDArray[np.int64]) -> AccuracyLine:
    """Equation 4 by non-negative least squares (the bias is free): `(n,)` and qualities `(n, classes)`."""
    raise NotImplementedError


class OriginalSize:
    """Bytes of a frame at the top quality, from the last offloaded frame and thumbnails (PROTOCOL, section 7).

    original = what the last offload took / its predicted share of the original x (thumbnail now / thumbnail then)^k.
    """

    def __init__(self, *, per_thumbnail: float, exponent: float = 1.0) -> None:
        if not per_thumbnail > 0:
            raise InputError(f"bytes per thumbnail byte must lie above 0, got {per_thumbnail}")
        self._per_thumbnail, self._exponent = per_thumbnail, exponent
        self._last: tuple[float, int] | None = None

    def observe(self, *, size_bytes: int, predicted_ratio: float, thumbnail_bytes: int) -> None:
        """An offload of `size_bytes` was expected to take `predicted_ratio` of its original size."""
        self._last = size_bytes / max(predicted_ratio, 1e-6), thumbnail_bytes

    def estimate(self, thumbnail_bytes: int) -> float:
        """Bytes of a frame with such a thumbnail; before the first offload by the profile's mean."""
        if self._last is None:
            return self._per_thumbnail * thumbnail_bytes
        original, before = self._last
        return original * (thumbnail_bytes / before) ** self._exponent
