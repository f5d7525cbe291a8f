"""What a live run has shown and offloaded so far, without the pixels."""

from dataclasses import dataclass, field

from foveate.core import Detections
from foveate.device import Displayed, OffloadDone
from foveate.network.messages import Welcome


@dataclass(frozen=True, kw_only=True, eq=False)
class Shown:
    """One displayed frame."""

    frame: int
    """Its index in the stream."""
    source_frame: int | None
    """The offloaded frame that the detections come from; None before the first result."""
    staleness_s: float | None
    """Age of what is displayed; None before the first result."""
    detections: Detections
    """What the user saw."""


@dataclass(kw_only=True)
class LiveLog:
    """Grows while the run goes on, so that one that is stopped leaves what it saw."""

    welcome: Welcome | None = None
    """The server's model; None before it answered."""
    shown: list[Shown] = field(default_factory=list)
    """Displayed frames, in order."""
    offloads: list[OffloadDone] = field(default_factory=list)
    """Finished offloads, in order."""
    dropped_frames: int = 0
    """Frames that the camera gave up because nobody took them in time."""
    lost: str = ""
    """Which process ended too early, in words; empty if none did."""

    def displayed(self, event: Displayed) -> None:
        """Keep all but the pixels."""
        self.shown.append(
            Shown(
                frame=event.frame.index,
                source_frame=None if event.source is None else event.source.index,
                staleness_s=event.staleness_s,
                detections=event.detections,
            )
        )

    @property
    def succeeded(self) -> list[OffloadDone]:
        """The offloads that brought a result."""
        return [done for done in self.offloads if not done.record.failed]
