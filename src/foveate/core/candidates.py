"""Configurations that a policy compares, and what is expected of each: columns of equal length."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from foveate.core.regions import Mask


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidates:
    """Configurations c = (tau_d, lambda, beta) of one frame with what their masks cover; each array `(n,)`."""

    masks: Mapping[int, Mask]
    """What each downsampling type that occurs downsamples."""
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
    frame_scale: NDArray[np.float64]
    """Factor on height and width of the whole frame; where it is below 1, the mask covers all regions, evenly and in
    part."""

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

Average = Literal["mean", "harmonic", "ewma"]
"""Of past throughputs and round trips."""
LatencyFit = Literal["best", "line"]
"""Of inference times over N_d: `best` is a parabola where a line misses by more than 5 %."""
ContentInputs = Literal["device", "paper", "mean", "truth"]
"""What size and accuracy are read from: all that a device knows, the paper's inputs, the configuration alone, or, in
simulations, what each configuration would really bring; then latency is the true one as well."""


@dataclass(frozen=True, kw_only=True)
class EstimateOptions:
    """How a policy wants its numbers estimated."""

    link: Average = "mean"
    """`mean` and `ewma` of the two most recent and of all offloads, `harmonic` of the five most recent."""
    latency: LatencyFit = "best"
    content: ContentInputs = "device"
    """A profile that was fitted on the paper's inputs alone uses them for `device` as well."""
