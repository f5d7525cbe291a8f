"""Configurations that a policy compares, and what is expected of each: columns of equal length."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidates:
    """Configurations c = (tau_d, lambda, beta) of one frame with what their masks cover; each array `(n,)`."""

    downsampling_type: NDArray[np.int64]
    """tau_d: 0 none, 1 CMR, 2 CMR and SBR."""
    downsampled_regions: NDArray[np.int64]
    """N_d."""
    downsampled_motion: NDArray[np.float64]
    """m^d: motion in the downsampled regions, 0..1."""
    jpeg_quality: NDArray[np.int64]
    """lambda."""
    restoration_point: NDArray[np.int64]
    """beta."""

    def __len__(self) -> int:
        return len(self.downsampling_type)


@dataclass(frozen=True, kw_only=True, eq=False)
class Estimates:
    """What is expected of each candidate; each array `(n,)`."""

    latency_s: NDArray[np.float64]
    """End-to-end offloading latency."""
    accuracy: NDArray[np.float64]
    """Inference accuracy (F1 of the frame), 0..1."""
    size_bytes: NDArray[np.float64]
    """Compressed size."""


Estimate = Callable[[Candidates], Estimates]
"""A performance estimator bound to a frame's content and the link at hand."""
