"""The pacing queue: frames of a source at a strict rate, and nobody waits for the one who is late.

Frame n belongs to the instant `start + n / fps`. A thread reads the source; a frame that is not taken before its time
is over is dropped and counted.
"""

import math
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable

from foveate.core import Clock, Frame, MonotonicClock, Pixels
from foveate.device.sources import FrameSource

DECODE_AHEAD = 4
"""Frames of a file that wait for their time."""
_STOP_S = 2.0
"""A read that is under way may last longer; its thread is then left alone."""


def pace(source: FrameSource, *, on_ready: Callable[[], None], clock: Clock | None = None) -> "Camera":
    """The camera that plays `source`; `on_ready` is called from a thread when `due_at` or `ended` may have changed."""
    kind = LiveCamera if source.live else ReplayCamera
    return kind(source, on_ready=on_ready, clock=MonotonicClock() if clock is None else clock)


class Camera(ABC):
    """Frames at a strict rate. `open` and `start` it, then `take` what is due; made by `pace`."""

    def __init__(self, source: FrameSource, *, on_ready: Callable[[], None], clock: Clock) -> None:
        self.interval_s = 1 / source.fps
        """Between frames, seconds."""
        self.dropped_frames = 0
        """How many frames nobody took in time."""
        self._source = source
        self._on_ready = on_ready
        self._clock = clock
        self._started_at: float | None = None
        self._done = False
        self._stopped = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, name="camera", daemon=True)

    def open(self) -> None:
        """Begin to read; returns when the first frames are there."""
        self._thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._done or self._ready)

    @abstractmethod
    def start(self, now: float) -> None:
        """Time of the first frame: now, or within the next two intervals."""

    @property
    def ended(self) -> bool:
        """True once every frame was taken or dropped. Raises what stopped the source, if anything did."""
        with self._changed:
            if self._error is not None:
                raise self._error
            return self._done and not self.waiting

    @property
    @abstractmethod
    def due_at(self) -> float | None:
        """When `take` should be called next; None if nobody knows (`on_ready` tells when)."""

    @abstractmethod
    def take(self, now: float) -> Frame | None:
        """The frame of this instant, if there is one that was not taken yet."""

    def close(self) -> None:
        """Stop reading."""
        with self._changed:
            self._stopped = True
            self._drop_all()
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(_STOP_S)

    @property
    @abstractmethod
    def waiting(self) -> int:
        """How many frames wait to be taken: a few, however late the one who takes them."""

    @property
    @abstractmethod
    def _ready(self) -> bool:
        """Whether playing can begin."""

    @abstractmethod
    def _put(self, pixels: Pixels) -> None:
        """A frame was read; called with the lock held."""

    @abstractmethod
    def _drop_all(self) -> None:
        """Forget the frames that wait."""

    def _time_of(self, index: int) -> float:
        assert self._started_at is not None
        return self._started_at + index * self.interval_s

    def _read(self) -> None:
        try:
            for pixels in self._source:
                with self._changed:
                    self._put(pixels)
                    self._changed.notify_all()
                    if self._stopped:
                        return
                self._on_ready()
        except Exception as error:  # told to the loop, which raises it
            self._error = error
        finally:
            with self._changed:
                self._done = True
                self._changed.notify_all()
            self._on_ready()


class ReplayCamera(Camera):
    """A source that can wait: it is read a few frames ahead, and every frame has its own instant."""

    def __init__(self, source: FrameSource, *, on_ready: Callable[[], None], clock: Clock) -> None:
        super().__init__(source, on_ready=on_ready, clock=clock)
        self._decoded: deque[Pixels] = deque()
        self._index = 0

    def start(self, now: float) -> None:
        """Frame 0 is captured now."""
        self._started_at = now

    @property
    def due_at(self) -> float | None:
        """When the next decoded frame is captured; None if there is none (`on_ready` tells when)."""
        with self._changed:
            return self._time_of(self._index) if self._decoded else None

    def take(self, now: float) -> Frame | None:
        """The frame that the camera holds now, if it was not taken yet."""
        with self._changed:
            while self._decoded and self._time_of(self._index + 1) <= now:
                self._advance()
                self.dropped_frames += 1
            if not self._decoded or self._time_of(self._index) > now:
                return None
            captured_at, index = self._time_of(self._index), self._index
            return Frame(pixels=self._advance(), index=index, captured_at=captured_at)

    @property
    def waiting(self) -> int:
        """Frames that were decoded ahead."""
        return len(self._decoded)

    @property
    def _ready(self) -> bool:
        return len(self._decoded) >= DECODE_AHEAD

    def _put(self, pixels: Pixels) -> None:
        self._changed.wait_for(lambda: self._stopped or len(self._decoded) < DECODE_AHEAD)
        if not self._stopped:
            self._decoded.append(pixels)

    def _drop_all(self) -> None:
        self._decoded.clear()

    def _advance(self) -> Pixels:
        self._index += 1
        self._changed.notify_all()
        return self._decoded.popleft()


class LiveCamera(Camera):
    """A source that does not wait: of what came since the last instant the newest frame is taken.

    Instants lie half an interval after the arrival of frames, so that a camera whose frames come a little early or late
    still gives one frame to each. At an instant without a new frame nothing is captured.
    """

    def __init__(self, source: FrameSource, *, on_ready: Callable[[], None], clock: Clock) -> None:
        super().__init__(source, on_ready=on_ready, clock=clock)
        self._newest: Pixels | None = None
        self._arrived_at = 0.0
        self._next = 0

    def start(self, now: float) -> None:
        """Find the first instant after now."""
        with self._changed:
            first = self._arrived_at + self.interval_s / 2
            self._started_at = first + self.interval_s * max(0, math.ceil((now - first) / self.interval_s))

    @property
    def due_at(self) -> float | None:
        """The next instant."""
        return self._time_of(self._next)

    def take(self, now: float) -> Frame | None:
        """The newest frame, at an instant."""
        with self._changed:
            if self._time_of(self._next) > now:
                return None
            assert self._started_at is not None
            index = max(self._next, math.floor((now - self._started_at) / self.interval_s))
            self._next = index + 1
            pixels, self._newest = self._newest, None
            return None if pixels is None else Frame(pixels=pixels, index=index, captured_at=self._time_of(index))

    @property
    def waiting(self) -> int:
        """The newest frame, if it was not taken."""
        return int(self._newest is not None)

    @property
    def _ready(self) -> bool:
        return self._newest is not None

    def _put(self, pixels: Pixels) -> None:
        if self._newest is not None and self._started_at is not None:
            self.dropped_frames += 1
        self._newest, self._arrived_at = pixels, self._clock.now()

    def _drop_all(self) -> None:
        self._newest = None
