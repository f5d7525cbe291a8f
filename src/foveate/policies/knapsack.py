"""One quality per class: the multiple-choice knapsack by dynamic programming (Hyperion, section III-C, algorithm 1)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

KIB = 1024
"""Unit of sizes in the knapsack, bytes."""


def whole_kib(sizes_bytes: NDArray[np.float64]) -> NDArray[np.int64]:
    """Sizes rounded up to whole KiB, none below 0."""
    return np.ceil(np.maximum(sizes_bytes, 0) / KIB - 1e-9).astype(np.int64)


def size_budget_bytes(
    *, constraint_s: float, device_s: float, cloud_s: float, uplink_bps: float, rtt_s: float = 0.0
) -> float:
    """Bytes that may travel so that T_device + size / uplink + T_cloud <= T_max (equation 5); 0 if time is up before.

    `rtt_s`: propagation there and back, which the paper counts as none.
    """
    return max(0.0, (constraint_s - device_s - cloud_s - rtt_s) * uplink_bps / 8)


def best_choice(
    accuracy: NDArray[np.float64] | Sequence[Sequence[float]],
    size: NDArray[np.int64] | Sequence[Sequence[int]],
    budget: int,
) -> tuple[int, ...] | None:
    """The column of each row so that accuracies sum to the most with sizes of at most `budget`; None if nothing fits.

    `accuracy` `(classes, qualities)`; `size` of the same shape, whole units of at least 0. Of equally accurate choices
    the smallest is taken. Raises `InputError` on other shapes.
    """
    raise NotImplementedError
