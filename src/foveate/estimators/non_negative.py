"""Least squares with coefficients that are not negative, in plain numpy (Lawson and Hanson 1974, algorithm NNLS)."""

import numpy as np
from numpy.typing import NDArray

from foveate.core import InputError

Numbers = NDArray[np.float64]

_TOLERANCE = 1e-10


def non_negative_least_squares(inputs: Numbers, wanted: Numbers) -> Numbers:
    """x >= 0 `(m,)` for which `inputs` `(n, m)` times x comes nearest to `wanted` `(n,)`. Raises `InputError`."""
    if inputs.ndim != 2 or 0 in inputs.shape or wanted.shape != inputs.shape[:1]:
        raise InputError(f"least squares need (n, m) inputs and (n,) results, got {inputs.shape} and {wanted.shape}")
    scale = np.linalg.norm(inputs, axis=0)
    columns = inputs / np.where(scale > 0, scale, 1)
    size = float(np.abs(wanted).max()) or 1.0  # tolerances are meant for results of order 1
    wanted = wanted / size
    solution, free = np.zeros(inputs.shape[1]), np.zeros(inputs.shape[1], np.bool_)
    tolerance = _TOLERANCE * max(1.0, float(np.linalg.norm(wanted)))
    for _ in range(3 * inputs.shape[1]):
        gradient = np.where(free, -np.inf, columns.T @ (wanted - columns @ solution))
        if gradient.max() <= tolerance:
            break
        free[gradient.argmax()] = True
        solution = _feasible(columns, wanted, solution, free)
    return solution * size / np.where(scale > 0, scale, 1)


def _feasible(columns: Numbers, wanted: Numbers, solution: Numbers, free: NDArray[np.bool_]) -> Numbers:
    """Go from a feasible point towards the optimum of the free columns, fixing those that reach 0 (changes `free`)."""
    while True:
        target = np.zeros_like(solution)
        target[free] = np.linalg.lstsq(columns[:, free], wanted, rcond=None)[0]
        blocking = free & (target <= 0)
        if not blocking.any():
            return target
        step = (solution[blocking] / (solution[blocking] - target[blocking])).min()
        solution = solution + step * (target - solution)
        free &= solution > _TOLERANCE
        solution = np.where(free, solution, 0)
