"""Small regressions in plain numpy: the device needs no torch for them."""

import numpy as np
from numpy.typing import NDArray

from foveate.core import InputError, Regression

Numbers = NDArray[np.float64]

_SINGLE_THREADED = 2**18
"""OpenBLAS starts threads above this many multiplications; waking them on a busy device costs a hundred times more."""


class Regressor:
    """Evaluates a `Regression` on many rows of features at once. Raises `InputError` if its numbers do not fit."""

    def __init__(self, regression: Regression) -> None:
        self.features = regression.features
        self._mean = np.array(regression.mean, np.float32)
        self._scale = np.array(regression.scale, np.float32)
        self._layers = [(_matrix(weights), np.array(biases, np.float32)) for weights, biases in regression.layers]
        self._output, self._base = regression.output, regression.base
        self._check()

    def _check(self) -> None:
        width = len(self.features)
        if not len(self._mean) == len(self._scale) == width or not self._layers:
            raise InputError(f"a regression of {width} features needs as many means and scales, and a layer at least")
        if not (self._scale > 0).all():
            raise InputError(f"the scales of a regression must lie above 0, got {self._scale.min()}")
        for weights, biases in self._layers:
            if weights.shape != (width, len(biases)):
                raise InputError(f"a layer must take {width} numbers and have a bias for each result")
            width = len(biases)
        if width != 1:
            raise InputError(f"a regression ends in one number, this one in {width}")

    def __call__(self, columns: dict[str, Numbers]) -> Numbers:
        """Features by name, each `(n,)` -> `(n,)`. Raises `InputError` if one is missing."""
        needed = {*self.features, self._base} - {""}
        if missing := sorted(needed - columns.keys()):
            raise InputError(f"an estimator reads {', '.join(missing)}, which this device does not measure")
        values = np.stack([np.asarray(columns[name], np.float32) for name in self.features], axis=1)
        values = (values - self._mean) / self._scale
        for weights, biases in self._layers[:-1]:
            values = np.maximum(_product(values, weights) + biases, 0)
        weights, biases = self._layers[-1]
        last = (_product(values, weights) + biases)[:, 0].astype(np.float64)
        if self._base:
            last = last + columns[self._base]
        match self._output:
            case "exponential":
                return np.exp(last)
            case "logistic":
                return 1 / (1 + np.exp(-last))
        return last


def _matrix(weights: tuple[tuple[float, ...], ...]) -> NDArray[np.float32]:
    """Rows of weights `(outputs, inputs)` -> `(inputs, outputs)`."""
    if len({len(row) for row in weights}) != 1:
        raise InputError(f"rows of a layer must be equally long, got {sorted({len(row) for row in weights})} numbers")
    return np.array(weights, np.float32).T.copy()


def _product(values: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """`values @ weights`, a few rows at a time."""
    rows = max(1, _SINGLE_THREADED // weights.size)
    return np.concatenate([values[i : i + rows] @ weights for i in range(0, len(values), rows)])
