"""What a device session asks of its shell, and tells it."""

from dataclasses import dataclass

from foveate.core import Detections, Frame, LookPlan, OffloadPlan, OffloadRecord, RegionGrid
from foveate.device.owed import Answered
from foveate.network.messages import Welcome
from foveate.tracking import GreyPair


@dataclass(frozen=True, kw_only=True)
class Connected:
    """The server answered, for the first time or again; from now on frames are offloaded."""

    welcome: Welcome
    """What the server runs."""


@dataclass(frozen=True, kw_only=True)
class Lost:
    """The server is gone, or has forgotten this device; nothing is offloaded until the next `Connected`."""

    reason: str
    """In words."""


@dataclass(frozen=True, kw_only=True)
class Redial:
    """Drop the connection with all that waits in it, and connect anew."""


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodeWork:
    """Compress a frame, then call `DeviceSession.encoded` with the time at which that was done."""

    offload_id: int
    """Names the offload in `encoded`."""
    frame: Frame
    """What to compress."""
    grid: RegionGrid
    """Its decision regions."""
    plan: OffloadPlan
    """Mask and quality."""


@dataclass(frozen=True, kw_only=True)
class DecideWork:
    """Ask the policy: call `DeviceSession.decide` when that is done."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """A frame as motion analysis and tracker see it."""

    index: int
    """The frame's."""
    grey: GreyPair


@dataclass(frozen=True, kw_only=True, eq=False)
class MotionWork:
    """Measure the motion of a frame, then call `DeviceSession.moved`."""

    seen: Seen
    grid: RegionGrid
    """Regions of the full-size frame."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TrackWork:
    """Track objects over frames, then call `DeviceSession.tracked`."""

    source: Frame
    """The offloaded frame that the objects come from."""
    restart: Detections | None
    """Objects to start with, in the first of `frames`; None = go on with those at hand."""
    frames: tuple[Seen, ...]
    """In order, at least one."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Tracked:
    """What came of a `TrackWork`."""

    source: Frame
    """The offloaded frame that the objects come from."""
    frame_index: int
    """The frame in which they are here."""
    detections: Detections
    retention: float
    """kappa: share of the source's objects that are still followed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LookWork:
    """Let the device's own model look at a frame, then call `AnsweringSession.looked`."""

    number: int
    """Names the frame in `looked`."""
    frame: Frame
    plan: LookPlan


@dataclass(frozen=True, kw_only=True)
class Send:
    """Hand bytes to the transport."""

    payload: bytes
    """One message."""
    offload_id: int | None = None
    """The offload that it carries, if any."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Displayed:
    """A frame goes to the screen with the detections that were ready for it."""

    frame: Frame
    """The frame; its `captured_at` is on the device's clock."""
    displayed_at: float
    """Seconds on the device's clock."""
    detections: Detections
    """What the user sees; empty before the first result."""
    source: Frame | None
    """The offloaded frame that the detections come from; None before the first result."""

    @property
    def staleness_s(self) -> float | None:
        """Age of what is displayed: time since its source was captured. None before the first result."""
        return None if self.source is None else self.displayed_at - self.source.captured_at


@dataclass(frozen=True, kw_only=True, eq=False)
class OffloadDone:
    """An offload ended, well or badly."""

    record: OffloadRecord
    """Times, sizes and the plan."""
    captured_at: float
    """When the camera delivered the frame, seconds on the device's clock."""
    result: Detections | None
    """What the server saw; None if it failed."""
    reason: str = ""
    """Why it failed; empty if it did not."""


DeviceEvent = (
    Answered
    | Connected
    | DecideWork
    | Displayed
    | EncodeWork
    | LookWork
    | Lost
    | MotionWork
    | OffloadDone
    | Redial
    | Send
    | TrackWork
)
