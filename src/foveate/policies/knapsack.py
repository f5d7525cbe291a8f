"""One quality per class: the multiple-choice knapsack by dynamic programming (Hyperion, section III-C, algorithm 1)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foveate.core import InputError

Row = NDArray[np.float64]
Choices = NDArray[np.uint8]

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
    *,
    tolerance: float = 0.0,
) -> tuple[int, ...] | None:
    """The column of each row so that accuracies sum to the most with sizes of at most `budget`; None if nothing fits.

    `accuracy` `(classes, qualities)`; `size` of the same shape, whole units of at least 0. The smallest of all choices
    that are at most `tolerance` less accurate than the best is taken. Raises `InputError` on other shapes, on
    more than 256 qualities, and on accuracies that are not finite.
    """
    worth, cost = np.asarray(accuracy, np.float64), np.asarray(size)
    if worth.ndim != 2 or 0 in worth.shape or cost.shape != worth.shape:
        raise InputError(f"need accuracies and sizes of classes x qualities, got {worth.shape} and {cost.shape}")
    if worth.shape[1] > 256:
        raise InputError(f"a class chooses among at most 256 qualities, got {worth.shape[1]}")
    if not np.isfinite(worth).all():
        raise InputError("accuracies must be finite numbers")
    if not np.issubdtype(cost.dtype, np.integer) or cost.min() < 0:
        raise InputError(f"sizes must be whole numbers of at least 0, got {cost.dtype} from {cost.min()}")
    if budget < int(cost.min(axis=1).sum()):
        return None
    # More states than the largest choice needs would be the same for nothing.
    best, choices = _accumulated(worth, cost, min(budget, int(cost.max(axis=1).sum())))
    used, columns = int(np.argmax(best >= best.max() - tolerance)), []
    for row in reversed(range(len(cost))):
        columns.append(int(choices[row][used]))
        used -= int(cost[row, columns[-1]])
    return tuple(reversed(columns))


def _accumulated(worth: NDArray[np.float64], cost: NDArray[np.int64], budget: int) -> tuple[Row, list[Choices]]:
    """The most accurate choice of every exact accumulated size 0..budget, and each row's column in it."""
    best = np.full(budget + 1, -np.inf)
    best[0], reached = 0.0, 0
    choices = []
    for gains, steps in zip(worth.tolist(), cost.tolist(), strict=True):
        grown, chosen = np.full(budget + 1, -np.inf), np.zeros(budget + 1, np.uint8)
        for column, (gain, step) in enumerate(zip(gains, steps, strict=True)):
            count = min(reached, budget - step) + 1
            if count > 0:
                candidate, target = best[:count] + gain, slice(step, step + count)
                better = candidate > grown[target]
                grown[target][better], chosen[target][better] = candidate[better], column
        best, reached = grown, min(budget, reached + max(steps))
        choices.append(chosen)
    return best, choices
