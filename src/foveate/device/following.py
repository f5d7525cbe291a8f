"""Which frames the local tracker has still to see, and from which result it starts (ViTMAlis, section IV-B)."""

from collections import deque
from collections.abc import Iterable

from foveate.core import Detections, Frame
from foveate.device.events import Seen, Tracked, TrackWork
from foveate.tracking import GreyPair

MOST_KEPT = 300
"""Reduced frames kept for a catch-up; an offload that takes longer is tracked from a later frame."""
MOST_CAUGHT_UP = 60
"""Frames of a catch-up: where more have passed, as after a link that stood still, they are taken at even steps.

The camera runs on meanwhile, and nothing is offloaded before the present is reached.
"""


class Following:
    """Hands out `TrackWork`, one at a time: a restart with catch-up for each result, then frame after frame."""

    def __init__(self) -> None:
        self.latest: Tracked | None = None
        """Where the tracker had its objects last; None before it reported."""
        self._kept: deque[Seen] = deque(maxlen=MOST_KEPT)
        self._awaited: list[int] = []
        self._landed: tuple[Frame, Detections] | None = None
        self._running: TrackWork | None = None
        self._source: Frame | None = None
        self._handed_out = -1

    @property
    def catching_up(self) -> bool:
        """Whether the latest result has not been carried to the present yet."""
        return self._landed is not None or (self._running is not None and self._running.restart is not None)

    def capture(self, frame: Frame, grey: GreyPair) -> None:
        """A new frame of the camera."""
        self._kept.append(Seen(index=frame.index, grey=grey))
        self._forget()

    def awaits(self, frames: Iterable[Frame]) -> None:
        """Of all frames until now results may come for these, and for the newest."""
        self._awaited = [frame.index for frame in frames]
        self._forget()

    def _forget(self) -> None:
        """Drop the frames before all that the tracker may have to start from or to go on with."""
        first = [self._kept[-1].index] if self._kept else []
        first += [] if self._landed is None else [self._landed[0].index]
        first += [] if self._source is None else [self._handed_out + 1]
        while self._kept and self._kept[0].index < min([*first, *self._awaited]):
            self._kept.popleft()

    def landed(self, frame: Frame, result: Detections) -> None:
        """The server's result for `frame`: the next work starts there."""
        self._landed = (frame, result)

    def next_work(self) -> TrackWork | None:
        """What the tracker should do now, if it is free and there is anything to do."""
        if self._running is not None:
            return None
        if self._landed is not None:
            (source, restart), first = self._landed, self._landed[0].index
        elif self._source is not None:
            source, restart, first = self._source, None, self._handed_out + 1
        else:
            return None
        frames = _spread([seen for seen in self._kept if seen.index >= first])
        if not frames:
            return None
        self._landed, self._source, self._handed_out = None, source, frames[-1].index
        self._running = TrackWork(source=source, restart=restart, frames=frames)
        return self._running

    def tracked(self, tracked: Tracked) -> None:
        """The work handed out last is done."""
        self._running, self.latest = None, tracked


def _spread(frames: list[Seen]) -> tuple[Seen, ...]:
    """At most `MOST_CAUGHT_UP` of the frames at even steps; the first, whose boxes are known, and the last are kept."""
    if len(frames) <= MOST_CAUGHT_UP:
        return tuple(frames)
    last = len(frames) - 1
    return tuple(frames[round(step * last / (MOST_CAUGHT_UP - 1))] for step in range(MOST_CAUGHT_UP))
