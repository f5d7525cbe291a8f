"""Size and accuracy of one quality per class, before anything is compressed (Hyperion, equations 3 and 4).

Each estimator gives one number per class and quality, whose sums are what the knapsack compares.
"""

import numpy as np
from numpy.typing import NDArray

from foveate.core import AccuracyLine, AccuracyTable, InputError, SizeLine, SizeTable
from foveate.estimators.non_negative import non_negative_least_squares

Numbers = NDArray[np.float64]


def size_by_class(
    model: SizeLine | SizeTable, *, original_bytes: float, shares: Numbers, qualities: tuple[int, ...]
) -> tuple[Numbers, float]:
    """Bytes `(classes, qualities)` of each class at each quality, and the bytes that come on top whatever is chosen.

    `original_bytes`: of this frame at the top quality. `shares` `(classes,)`: p_c. The sum over the classes of a choice
    and the fixed part (below 0 where the line's intercept is) is equation 3. Raises `InputError` where classes or
    qualities are not the model's.
    """
    if isinstance(model, SizeLine):
        return (
            original_bytes * model.slope * np.outer(shares, qualities),
            original_bytes * model.intercept,
        )
    columns = _columns(model, qualities)
    if len(shares) != len(model.ratio):
        raise InputError(f"sizes are known of {len(model.ratio)} classes, got shares of {len(shares)}")
    ratio = np.array(model.ratio)[:, columns]
    return original_bytes * np.asarray(shares)[:, None] * ratio, original_bytes * model.fixed


def predicted_ratio(model: SizeLine | SizeTable, shares: Numbers, chosen: tuple[int, ...]) -> float:
    """Size / original size of a frame with such `shares` at the `chosen` qualities, one per class (equation 3)."""
    sizes, fixed = size_by_class(model, original_bytes=1.0, shares=shares, qualities=chosen)
    return float(np.trace(sizes)) + fixed


def accuracy_by_class(model: AccuracyLine | AccuracyTable, qualities: tuple[int, ...]) -> Numbers:
    """w_c q_c `(classes, qualities)`: what each class at each quality adds to the accuracy (equation 4).

    Raises `InputError` where a quality is not in the table.
    """
    if isinstance(model, AccuracyLine):
        return np.outer(model.weights, qualities)
    return np.array(model.worth)[:, _columns(model, qualities)]


def predicted_accuracy(model: AccuracyLine | AccuracyTable, chosen: tuple[int, ...]) -> float:
    """Accuracy at the `chosen` qualities, one per class (equation 4)."""
    return float(np.trace(accuracy_by_class(model, chosen))) + model.bias


def _columns(model: SizeTable | AccuracyTable, qualities: tuple[int, ...]) -> list[int]:
    if unknown := sorted(set(qualities) - set(model.qualities)):
        raise InputError(f"the table is for qualities {model.qualities}, not for {unknown}")
    return [model.qualities.index(quality) for quality in qualities]


def fit_size_line(ratio: Numbers, mean_quality: Numbers) -> SizeLine:
    """Equation 3 by least squares from rows of size / original size and sum_c p_c q_c, both `(n,)`."""
    slope, intercept = np.polyfit(mean_quality, ratio, 1)
    return SizeLine(slope=float(slope), intercept=float(intercept))


def fit_size_table(ratio: Numbers, shares: Numbers, chosen: NDArray[np.int64], qualities: tuple[int, ...]) -> SizeTable:
    """Sizes that rise with quality and are convex in it, class by class, by non-negative least squares.

    `ratio` `(n,)`: size / original size, above 0; `shares` `(n, classes)`: p_c; `chosen` `(n, classes)`: q_c. Errors
    count relative to the size: it is a slow link that leaves little to choose. A class's row is a sum of hinges
    max(0, q - knot) with a knot at 0 and at each quality but the last, so coefficients of at least 0 make it rise and
    bend upwards.
    """
    basis = _hinges(qualities)
    places = np.searchsorted(qualities, chosen).T
    inputs = [share[:, None] * basis[place] for share, place in zip(shares.T, places, strict=True)]
    relative = np.concatenate(inputs, axis=1) / ratio[:, None]
    solved = non_negative_least_squares(relative, np.ones(len(ratio)))
    table = solved.reshape(shares.shape[1], -1) @ basis.T
    return SizeTable(qualities=qualities, ratio=tuple(tuple(float(value) for value in row) for row in table))


def _hinges(qualities: tuple[int, ...]) -> Numbers:
    """`(qualities, 1 + qualities)`: a constant and the hinges of each quality, in units of 100."""
    at, knots = np.array(qualities)[:, None] / 100, np.array([0, *qualities[:-1]]) / 100
    return np.concatenate([np.ones((len(at), 1)), np.maximum(at - knots, 0)], axis=1)


def fit_accuracy_line(accuracy: Numbers, chosen: NDArray[np.int64]) -> AccuracyLine:
    """Equation 4 by non-negative least squares, the bias free: accuracies `(n,)` and qualities `(n, classes)`."""
    quality = np.asarray(chosen, np.float64)
    weights = non_negative_least_squares(quality - quality.mean(axis=0), accuracy - accuracy.mean())
    bias = float(accuracy.mean() - quality.mean(axis=0) @ weights)
    return AccuracyLine(weights=tuple(float(weight) for weight in weights), bias=bias)


def fit_accuracy_table(accuracy: Numbers, chosen: NDArray[np.int64], qualities: tuple[int, ...]) -> AccuracyTable:
    """Accuracies that rise with quality and flatten out, class by class, by non-negative least squares.

    `accuracy` `(n,)`; `chosen` `(n, classes)`: q_c. A class's row is a sum of ramps min(q, knot), one for each quality
    but the lowest, at which it is 0.
    """
    ramps = np.minimum(np.array(qualities)[:, None], qualities[1:]) / 100 - qualities[0] / 100
    inputs = np.concatenate([ramps[column] for column in np.searchsorted(qualities, chosen).T], axis=1)
    means = inputs.mean(axis=0)
    solved = non_negative_least_squares(inputs - means, accuracy - accuracy.mean())
    worth = solved.reshape(chosen.shape[1], -1) @ ramps.T
    return AccuracyTable(
        qualities=qualities,
        worth=tuple(tuple(float(value) for value in row) for row in worth),
        bias=float(accuracy.mean() - means @ solved),
    )


class OriginalSize:
    """Bytes of a frame at the top quality, from the last offloaded frame and thumbnails.

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
        return float(original * (thumbnail_bytes / before) ** self._exponent)
