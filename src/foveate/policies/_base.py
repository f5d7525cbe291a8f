"""The contract of every policy: a frozen state in, a plan out."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

from foveate.core import Detections, OffloadPlan, RegionGrid


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

    @property
    def frames_since_offload(self) -> int | None:
        """eta: frames from the last offloaded frame to this one; None before the first."""
        return None if self.offloaded_frame is None else self.frame_index - self.offloaded_frame


class Policy(Protocol):
    """Decides whether and how the newest frame is offloaded; asked whenever no offload is on its way.

    A policy is a frozen keyword-only dataclass whose fields are its parameters, so equal parameters give equal
    policies. `decide` is pure: no clock, no file, no randomness, equal states give equal plans.
    """

    name: ClassVar[str]
    """What users call it."""

    def decide(self, state: DeviceState) -> OffloadPlan | None:
        """A plan for frame `state.frame_index`, or None to wait for the next one.

        Without a result every policy sends the full frame. Raises `InputError` if a parameter does not fit the
        server's model.
        """
        ...
