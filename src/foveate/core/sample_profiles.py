"""Durations and powers that a simulated run of generalist and experts is made with, and where they are from."""

import math
from dataclasses import dataclass, fields, replace

from foveate.core.errors import InputError


@dataclass(frozen=True, kw_only=True)
class SampleTimes:
    """How long each step takes. Raises `InputError` for negative, endless or impossible numbers."""

    source: str
    """Where the numbers are from; reports print it."""
    generalist_s: float
    """The generalist on the device, one picture."""
    expert_on_device_s: float
    """A model of an expert's size on the device, one picture."""
    encode_s: float
    """Compression of one picture on the device."""
    decode_s: float
    """Its decompression on the server."""
    batch_s: float
    """An expert on the server: what a batch takes whatever its size."""
    sample_s: float
    """What each picture of a batch adds, for `relative_size` 1."""
    accelerators: int = 1
    """Batches that run side by side on the server."""

    def __post_init__(self) -> None:
        numbers = [getattr(self, f.name) for f in fields(self) if f.name.endswith("_s")]
        if not all(0 <= number < math.inf for number in numbers) or self.accelerators < 1:
            raise InputError(f"durations must be 0 s or more, and accelerators at least 1, got {self}")

    def batch_duration_s(self, count: int, relative_size: float = 1.0) -> float:
        """Inference of `count` pictures by an expert on the server."""
        return (self.batch_s + self.sample_s * count) * relative_size

    def with_slower_device(self, ratio: float, *, generalist_share: float | None = None) -> "SampleTimes":
        """The same server beside a device on which a model of an expert's size takes `ratio` times as long as there.

        `generalist_share`: the generalist's part of that model's operations; where operations are what a slow device
        spends its time on, also its part of the time. None = as the two were measured.
        """
        if not 0 < ratio < math.inf or not (generalist_share is None or 0 < generalist_share < math.inf):
            raise InputError(f"ratios of speeds and sizes must be positive, got {ratio:g} and {generalist_share}")
        expert_s = ratio * self.batch_duration_s(1)
        slower = expert_s / max(self.expert_on_device_s, 1e-12)
        share = "" if generalist_share is None else f", the generalist at {100 * generalist_share:.0f} % of that"
        return replace(
            self,
            source=f"{self.source}; device at {ratio:g} times the server's time for an expert{share} (assumed)",
            generalist_s=self.generalist_s * slower if generalist_share is None else expert_s * generalist_share,
            expert_on_device_s=expert_s,
            encode_s=self.encode_s * slower,
        )


@dataclass(frozen=True, kw_only=True)
class PowerModel:
    """Power by what a machine does. Raises `InputError` for negative or endless numbers."""

    source: str
    """Where the constants are from; reports print it."""
    device_idle_w: float
    device_compute_w: float
    """On top of idle while the device computes."""
    radio_w: float
    """On top of idle while the radio holds its connection active."""
    radio_j_per_byte: float
    """For each byte sent."""
    server_idle_w: float
    server_compute_w: float
    """On top of idle while the accelerator computes."""

    def __post_init__(self) -> None:
        numbers = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "source"}
        if not all(0 <= number < math.inf for number in numbers.values()):
            raise InputError(f"powers must be 0 or more, got {numbers}")


@dataclass(frozen=True, kw_only=True)
class SampleEnergy:
    """What one sample took, joules, without idle power."""

    device_j: float
    radio_j: float
    server_j: float

    @property
    def total_j(self) -> float:
        """All three."""
        return self.device_j + self.radio_j + self.server_j
