"""Calibrated confidence: temperature scaling on held-out pictures (Guo et al. 2017), and how far it is off."""

import numpy as np
from numpy.typing import NDArray

from foveate.core import InputError

Logits = NDArray[np.float32]
LOWEST, HIGHEST = 0.05, 20.0
"""Temperatures that are tried."""


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Probabilities along the last axis. Raises `InputError` unless the temperature is above 0."""
    if not temperature > 0:
        raise InputError(f"a temperature must be above 0, got {temperature:g}")
    scaled = np.asarray(logits, np.float64) / temperature
    shares = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True))


def negative_log_likelihood(logits: Logits, labels: NDArray[np.int64], temperature: float = 1.0) -> float:
    """Mean of -log of the probability of the true class, nats."""
    own = softmax(logits, temperature)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(own, 1e-300)).mean())


def fit_temperature(logits: Logits, labels: NDArray[np.int64]) -> float:
    """The temperature with the least negative log-likelihood, by golden-section search on its logarithm.

    `logits` `(n, classes)`. The likelihood has one maximum over the inverse temperature, for it is log-concave there.
    Raises `InputError` without samples.
    """
    if not len(labels) or len(logits) != len(labels):
        raise InputError(f"samples to fit a temperature on are required, got {len(logits)} and {len(labels)} labels")
    ratio = (np.sqrt(5) - 1) / 2
    low, high = np.log(LOWEST), np.log(HIGHEST)
    inner = [high - ratio * (high - low), low + ratio * (high - low)]
    losses = [negative_log_likelihood(logits, labels, float(np.exp(x))) for x in inner]
    while high - low > 1e-4:
        if losses[0] < losses[1]:
            high, inner[1], losses[1] = inner[1], inner[0], losses[0]
            inner[0] = high - ratio * (high - low)
            losses[0] = negative_log_likelihood(logits, labels, float(np.exp(inner[0])))
        else:
            low, inner[0], losses[0] = inner[0], inner[1], losses[1]
            inner[1] = low + ratio * (high - low)
            losses[1] = negative_log_likelihood(logits, labels, float(np.exp(inner[1])))
    return float(np.exp((low + high) / 2))


def calibration_error(probabilities: NDArray[np.float64], labels: NDArray[np.int64], *, bins: int = 15) -> float:
    """Expected calibration error: mean gap of confidence and accuracy over bins of confidence.

    Bins are equally full but for samples of equal confidence, which share one.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    lowest = [part[0] for part in np.array_split(np.sort(confidence), bins) if len(part)]
    gaps = np.bincount(np.searchsorted(lowest, confidence, side="right"), confidence - right)
    return float(np.abs(gaps).sum()) / len(labels)
