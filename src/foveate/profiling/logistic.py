"""Accuracy by penalised logistic regression: a few weights, for the F1 of single frames is mostly chance."""

import numpy as np
from numpy.typing import NDArray

from foveate.core import Regression
from foveate.estimators import DEVICE_ACCURACY_FEATURES
from foveate.profiling.rows import ContentRows

Numbers = NDArray[np.float64]

PENALTY = 0.01
"""Of squared weights, over the mean of log-likelihoods; chosen on profiling clips, each left out in turn."""
_STEPS = 25
_LEAST_CURVATURE = 1e-4


def fit_logistic(rows: ContentRows, *, penalty: float = PENALTY) -> Regression:
    """Expected F1 from a device's inputs, by Newton's method on fractional logits (Papke and Wooldridge 1996).

    Frames count alike, however many configurations were tried on them.
    """
    names = DEVICE_ACCURACY_FEATURES
    table = np.stack([rows.columns[name] for name in names], axis=1)
    mean, scale = table.mean(axis=0), table.std(axis=0)
    scale[scale < 1e-9] = 1.0
    inputs = np.column_stack([(table - mean) / scale, np.ones(len(rows))])
    penalties = np.diag([penalty] * len(names) + [0.0])
    weights = _newton(inputs, rows.accuracy, _of_frames(rows), penalties)
    layer = ((tuple(weights[:-1].tolist()),), (float(weights[-1]),))
    return Regression(
        features=names, mean=tuple(mean.tolist()), scale=tuple(scale.tolist()), layers=(layer,), output="logistic"
    )


def _of_frames(rows: ContentRows) -> Numbers:
    """Weight of each row, 1 in all: as much for each frame."""
    frames = np.stack([rows.columns["clip"], rows.columns["frame"]], axis=1)
    _, place, counts = np.unique(frames, axis=0, return_inverse=True, return_counts=True)
    return np.asarray(1 / (len(counts) * counts[place.reshape(-1)]))


def _newton(inputs: Numbers, wanted: Numbers, shares: Numbers, penalties: Numbers) -> Numbers:
    weights = np.zeros(inputs.shape[1])
    for _ in range(_STEPS):
        expected = 1 / (1 + np.exp(-(inputs @ weights)))
        curvature = shares * np.maximum(expected * (1 - expected), _LEAST_CURVATURE)
        slope = inputs.T @ (shares * (wanted - expected)) - penalties @ weights
        weights += np.linalg.solve(inputs.T @ (inputs * curvature[:, None]) + penalties, slope)
    return weights
