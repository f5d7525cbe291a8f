"""One answer from the generalist's and an expert's logits."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foveate.core import InputError
from foveate.estimators.confidence import softmax


@dataclass(frozen=True, kw_only=True)
class Combination:
    """How both are weighed; chosen on held-out pictures. Raises `InputError` for numbers out of range."""

    generalist_share: float = 0.0
    """Weight of the generalist's log-probabilities, 0..1; 0 = the expert's answer alone."""
    subset_gain: float = 0.0
    """Added to the log-probabilities of the expert's own classes: it was asked because one of them is likely."""
    generalist_temperature: float = 1.0
    expert_temperature: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.generalist_share <= 1 or min(self.generalist_temperature, self.expert_temperature) <= 0:
            raise InputError(f"a share must lie in 0..1 and temperatures above 0, got {self}")

    def answers(
        self, generalist: NDArray[np.floating], expert: NDArray[np.floating], subset: tuple[int, ...]
    ) -> NDArray[np.intp]:
        """Classes of `(n, classes)` logits."""
        scores = (1 - self.generalist_share) * _log(expert, self.expert_temperature)
        if self.generalist_share:
            scores = scores + self.generalist_share * _log(generalist, self.generalist_temperature)
        scores[:, list(subset)] += self.subset_gain
        return np.asarray(scores.argmax(axis=1))


def _log(logits: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    return np.log(np.maximum(softmax(logits, temperature), 1e-300))
