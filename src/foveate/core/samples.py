"""Classification of single pictures: who may answer, what is known when that is decided, and what then happened."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from foveate.core.errors import InputError

Answerer = Literal["generalist", "expert", "fallback"]
"""Whose answer counts: the generalist's by choice, an expert's, or the generalist's because no expert's came."""


@dataclass(frozen=True, kw_only=True)
class ExpertCard:
    """A model on the near-edge server, as devices know it. Raises `InputError` on unsorted or repeated classes."""

    name: str
    """Names the deployment."""
    subset: tuple[int, ...]
    """Classes that it is for, ascending; it answers over all classes."""
    relative_size: float = 1.0
    """Parameters, in those of the smallest expert."""

    def __post_init__(self) -> None:
        if not self.subset or tuple(sorted(set(self.subset))) != self.subset or self.subset[0] < 0:
            raise InputError(f"expert {self.name} needs different classes in ascending order, got {self.subset}")


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one answer takes."""

    latency_s: float
    """From the sample to its answer, seconds."""
    energy_j: float
    """Of device, radio and server for this sample alone, joules."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ThresholdCurve:
    """What thresholds of confidence bring, by held-out pictures. Raises `InputError` on unequal lengths or order."""

    thresholds: NDArray[np.float64]
    """`(n,)`, ascending, 0..1."""
    offloaded: NDArray[np.float64]
    """Share of samples below each; never falls."""
    accuracy: NDArray[np.float64]
    """Share of right answers with each."""

    def __post_init__(self) -> None:
        shapes = {self.thresholds.shape, self.offloaded.shape, self.accuracy.shape}
        if len(shapes) != 1 or self.thresholds.ndim != 1 or not len(self.thresholds):
            raise InputError(f"a threshold curve needs three equally long rows of numbers, got {sorted(shapes)}")
        if (np.diff(self.thresholds) < 0).any() or (np.diff(self.offloaded) < 0).any():
            raise InputError("a threshold curve needs thresholds that rise and shares of samples that never fall")

    def threshold_of_share(self, share: float) -> float:
        """The highest threshold that offloads no more than this share; the lowest one if all offload more."""
        fitting = np.flatnonzero(self.offloaded <= share + 1e-12)
        return float(self.thresholds[fitting[-1] if len(fitting) else 0])

    def threshold_of_accuracy(self, accuracy: float) -> float:
        """The lowest threshold that is as accurate; the most accurate one if none is."""
        enough = np.flatnonzero(self.accuracy >= accuracy - 1e-12)
        return float(self.thresholds[enough[0] if len(enough) else int(self.accuracy.argmax())])


@dataclass(frozen=True, kw_only=True, eq=False)
class RoutingState:
    """What is known when a sample may be offloaded."""

    probabilities: NDArray[np.float64]
    """The generalist's calibrated probabilities `(classes,)`; they sum to 1."""
    experts: tuple[ExpertCard, ...]
    """Those that answer at present."""
    sample: int
    """Number in the stream, from 0."""
    seed: int = 0
    """Of the run, for policies that draw."""
    cost: Callable[[str | None], Cost] | None = None
    """Expected cost of an expert's answer, or of the generalist's own (None), on the network at hand; None before
    anything is known of the network."""
    curve: ThresholdCurve | None = None
    """What thresholds bring; None where nobody measured it."""
    label: int | None = None
    """The true class, for oracles alone."""


@dataclass(frozen=True, kw_only=True)
class Route:
    """Who shall answer a sample."""

    expert: str | None
    """Name of an expert, or None: the generalist's answer stands."""
    reason: str = ""
    """Why, in a word or two."""


@dataclass(frozen=True, kw_only=True)
class SampleRecord:
    """What happened to one sample. Times are seconds of the device's clock; stages that were not passed are 0."""

    sample: int
    label: int
    """The true class."""
    generalist_class: int
    """What the generalist said."""
    confidence: float
    """Its calibrated probability of that."""
    answer: int
    """The class that was answered in the end."""
    answerer: Answerer
    expert: str | None
    """Who was asked; None if nobody was."""
    reason: str
    """Why it was or was not offloaded; for a fallback, why no answer came."""
    arrived_at: float
    finished_at: float
    wait_s: float = 0.0
    """For the generalist: earlier samples had their turn."""
    generalist_s: float = 0.0
    encode_s: float = 0.0
    uplink_s: float = 0.0
    queue_s: float = 0.0
    """On the server, from receipt to the start of decoding."""
    decode_s: float = 0.0
    inference_s: float = 0.0
    """Of the batch that it was in."""
    downlink_s: float = 0.0
    batch: int = 0
    """Samples in that batch."""
    payload_bytes: int = 0

    @property
    def latency_s(self) -> float:
        """From the sample's arrival to its answer."""
        return self.finished_at - self.arrived_at

    @property
    def is_right(self) -> bool:
        """Whether the true class was answered."""
        return self.answer == self.label
