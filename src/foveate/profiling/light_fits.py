"""Size and accuracy from a device's inputs by a few weights each: on unknown clips they beat networks (docs/log.md)."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from foveate.core import InputError, Regression
from foveate.estimators import DEVICE_ACCURACY_FEATURES, DEVICE_SIZE_FEATURES
from foveate.profiling.rows import ContentRows

Numbers = NDArray[np.float64]

SIZE_BASE = "expected_size"
"""What is learned of a size is how its logarithm differs from what the last offload lets expect."""
SIZE_PENALTY, ACCURACY_PENALTY = 0.1, 0.01
"""Of squared weights, over the mean of errors; chosen on profiling clips, each left out in turn."""
_STEPS = 30
_LEAST_CURVATURE = 1e-4
_LEAST_ERROR = 0.01


def fit_size(rows: ContentRows, *, penalty: float = SIZE_PENALTY) -> Regression:
    """Logarithm of bytes per pixel by least absolute deviations, iteratively reweighted.

    Frames count alike, however many configurations were tried on them. Raises `InputError` on fewer than two rows.
    """
    inputs, mean, scale = _inputs(rows, DEVICE_SIZE_FEATURES)
    wanted = np.log(np.maximum(rows.bytes_per_pixel, 1e-4)) - rows.columns[SIZE_BASE]
    penalties, shares, weights = _penalties(inputs, penalty), _of_frames(rows), np.zeros(inputs.shape[1])
    for _ in range(_STEPS):
        curvature = shares / np.maximum(np.abs(wanted - inputs @ weights), _LEAST_ERROR)
        curvature /= curvature.sum()
        weights = _solved(inputs, curvature, inputs.T @ (curvature * wanted), penalties)
    return _regression(DEVICE_SIZE_FEATURES, mean, scale, weights, output="exponential", base=SIZE_BASE)


def fit_accuracy(rows: ContentRows, *, penalty: float = ACCURACY_PENALTY) -> Regression:
    """Expected F1 by Newton's method on fractional logits (Papke and Wooldridge 1996).

    Frames count alike, however many configurations were tried on them. Raises `InputError` on fewer than two rows.
    """
    inputs, mean, scale = _inputs(rows, DEVICE_ACCURACY_FEATURES)
    penalties, shares, weights = _penalties(inputs, penalty), _of_frames(rows), np.zeros(inputs.shape[1])
    for _ in range(_STEPS):
        expected = 1 / (1 + np.exp(-(inputs @ weights)))
        curvature = shares * np.maximum(expected * (1 - expected), _LEAST_CURVATURE)
        slope = inputs.T @ (shares * (rows.accuracy - expected)) - penalties @ weights
        weights = weights + _solved(inputs, curvature, slope, penalties)
    return _regression(DEVICE_ACCURACY_FEATURES, mean, scale, weights, output="logistic")


def _inputs(rows: ContentRows, names: tuple[str, ...]) -> tuple[Numbers, Numbers, Numbers]:
    """Standardised features and a column of ones `(n, k + 1)`, and what they were standardised by."""
    if len(rows) < 2:
        raise InputError(f"a fit needs at least two measured rows, got {len(rows)}")
    table = np.stack([rows.columns[name] for name in names], axis=1)
    mean, scale = table.mean(axis=0), table.std(axis=0)
    scale[scale < 1e-9] = 1.0
    return np.column_stack([(table - mean) / scale, np.ones(len(rows))]), mean, scale


def _penalties(inputs: Numbers, penalty: float) -> Numbers:
    """Of every weight but the constant."""
    return np.diag([penalty] * (inputs.shape[1] - 1) + [0.0])


def _of_frames(rows: ContentRows) -> Numbers:
    """Weight of each row, 1 in all: as much for each frame."""
    frames = np.stack([rows.columns["clip"], rows.columns["frame"]], axis=1)
    _, place, counts = np.unique(frames, axis=0, return_inverse=True, return_counts=True)
    return np.asarray(1 / (len(counts) * counts[place.reshape(-1)]))


def _solved(inputs: Numbers, curvature: Numbers, slope: Numbers, penalties: Numbers) -> Numbers:
    return np.asarray(np.linalg.solve(inputs.T @ (inputs * curvature[:, None]) + penalties, slope))


def _regression(
    names: tuple[str, ...],
    mean: Numbers,
    scale: Numbers,
    weights: Numbers,
    *,
    output: Literal["exponential", "logistic"],
    base: str = "",
) -> Regression:
    *of_features, constant = weights.tolist()
    return Regression(
        features=names,
        mean=tuple(mean.tolist()),
        scale=tuple(scale.tolist()),
        layers=(((tuple(of_features),), (constant,)),),
        output=output,
        base=base,
    )
