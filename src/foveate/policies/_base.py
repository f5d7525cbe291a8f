"""The contract of every policy: a frozen state in, a plan out."""

from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

from foveate.core import Detections, Estimate, EstimateOptions, FrameContent, OffloadPlan, RegionGrid


@dataclass(frozen=True, kw_only=True, eq=False)
class DeviceState:
    """What a device knows when it could offload its newest frame."""

    grid: RegionGrid
    """Decision regions of the frame."""
    restoration_points: range
    """Restoration points that the server's model accepts."""
    frame_index: int
    """The frame that would be sent."""
    offloaded_frame: int | None
    """The frame sent last; None before the first."""
    result: Detections | None
    """What the server saw last; None before the first result."""
    result_frame: int | None
    """The frame in which it saw it."""
    frame_interval_s: float = 1 / 30
    """Seconds between frames of the camera."""
    content: FrameContent | None = None
    """Motion and relevance of the frame; None where the device does not measure them."""
    retention: float = 1.0
    """kappa: share of the latest result's objects that the tracker still follows; 1 if it had none."""
    last_latency_s: float | None = None
    """End-to-end latency of the last offload that succeeded; None before the first."""
    estimate: Estimate | None = None
    """Expected latency and accuracy of configurations of this frame on the link at hand; None without a profile."""

    @property
    def frames_since_offload(self) -> int | None:
        """eta: frames from the last offloaded frame to this one; None before the first."""
        return None if self.offloaded_frame is None else self.frame_index - self.offloaded_frame

    @property
    def since_offload_s(self) -> float:
        """eta in seconds; 0 before the first offload."""
        return (self.frames_since_offload or 0) * self.frame_interval_s


class Policy(Protocol):
    """Decides whether and how the newest frame is offloaded; asked whenever another offload may start.

    A policy is a frozen keyword-only dataclass whose fields are its parameters, so equal parameters give equal
    policies. `decide` is pure: no clock, no file, no randomness, equal states give equal plans.
    """

    name: ClassVar[str]
    """What users call it."""
    tracks: ClassVar[bool]
    """Whether a local tracker carries results over to newer frames."""
    needs_profile: ClassVar[bool]
    """Whether it compares estimates, which need a profile with content."""

    def decide(self, state: DeviceState) -> OffloadPlan | None:
        """A plan for frame `state.frame_index`, or None to wait for the next one.

        Without a result every policy sends the full frame. Raises `InputError` if a parameter does not fit the
        server's model.
        """
        ...


@runtime_checkable
class Estimating(Protocol):
    """A policy that compares estimates, and says how it wants them made."""

    @property
    def estimate_options(self) -> EstimateOptions:
        """Of `DeviceState.estimate`."""
        ...


@runtime_checkable
class Foreseeing(Protocol):
    """A policy that may ask what configurations will really bring, which simulations alone can tell."""

    @property
    def foreseen(self) -> int:
        """How many configurations of each frame, at most; 0 = it does not ask."""
        ...


@runtime_checkable
class Overlapping(Protocol):
    """A policy that may have the next frame sent while the server sees the last one."""

    @property
    def in_flight(self) -> int:
        """Most offloads on their way at once. A server keeps one waiting for each device, so 2 is the most."""
        ...
