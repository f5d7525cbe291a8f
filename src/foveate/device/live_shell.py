"""What every live device has around its session: threads for camera, work and transport, and a loop that displays.

The loop waits for a bell that every thread rings, never for the work or the network behind it.
"""

import logging
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from foveate.core import Clock, Frame, InputError, MonotonicClock, TransportError
from foveate.device.camera import pace
from foveate.device.courier import Courier
from foveate.device.events import Connected, DeviceEvent, Displayed, Lost, OffloadDone, Redial, Send
from foveate.device.sources import FrameSource
from foveate.network.messages import MAX_PIXELS, MAX_SIDE, Welcome
from foveate.network.transports import Channel, Fault

CONNECT_TIMEOUT_S = 10.0
"""A server that has not answered by then is not there."""
_IDLE_S = 0.2
"""Longest rest of the loop: how soon a stop is noticed."""
_LOG = logging.getLogger(__name__)
_W = TypeVar("_W")
_R = TypeVar("_R")


def ignore(event: object) -> None:
    """The callback of those who do not listen."""


def never() -> bool:
    """The answer of those who do not stop a run."""
    return False


class Session(Protocol):
    """What the shell needs of a session."""

    @property
    def finished(self) -> bool:
        """Whether all is done."""
        ...

    @property
    def wake_at(self) -> float | None:
        """When `advance` must be called next."""
        ...

    def start(self, now: float) -> list[DeviceEvent]:
        """Greet the server."""
        ...

    def receive(self, payload: bytes, now: float) -> list[DeviceEvent]:
        """A message arrived."""
        ...

    def disconnected(self, reason: str, now: float, *, refused: bool = False) -> list[DeviceEvent]:
        """The connection ended."""
        ...

    def advance(self, now: float) -> list[DeviceEvent]:
        """Time passed."""
        ...

    def end(self) -> None:
        """The camera ended."""
        ...

    def abandon(self, now: float) -> list[DeviceEvent]:
        """The user ended the run."""
        ...


SessionT = TypeVar("SessionT", bound=Session)


class LiveShell(ABC, Generic[SessionT]):
    """Runs a session on the wall clock. Use as a context manager: `connect`, then `play`.

    Whoever derives from it hands the session frames in `_capture_one`, and carries out its work in `_hand_on`, each
    kind on the worker of that name. `session` makes it, given the seconds between frames. Raises `InputError` where
    frames of `source` are larger than any server takes.
    """

    def __init__(
        self,
        *,
        source: FrameSource,
        channel: Channel,
        session: Callable[[float], SessionT],
        workers: tuple[str, ...],
        on_frame: Callable[[Displayed], None] = ignore,
        on_offload: Callable[[OffloadDone], None] = ignore,
        stop: Callable[[], bool] = never,
    ) -> None:
        _check_size(source)
        self.frames = 0
        """How many frames were displayed so far."""
        self.offloads = 0
        """How many offloads ended so far."""
        self.failed_offloads = 0
        """How many of them brought no result."""
        self._on_frame, self._on_offload, self._stop = on_frame, on_offload, stop
        self._clock: Clock = MonotonicClock()
        self._bell = threading.Event()
        self._camera = pace(source, on_ready=self._bell.set, clock=self._clock)
        self._courier = Courier(channel, clock=self._clock, on_arrival=self._bell.set)
        self._session = session(self._camera.interval_s)
        # One thread each: what a codec does must not wait for a tracker.
        self._workers = {name: ThreadPoolExecutor(1, thread_name_prefix=name) for name in workers}
        self._working: deque[tuple[Future[Any], Callable[[Any, float], list[DeviceEvent]]]] = deque()
        self._welcome: Welcome | None = None

    @property
    def dropped_frames(self) -> int:
        """How many frames the camera gave up so far."""
        return self._camera.dropped_frames

    def __enter__(self) -> Self:
        # Before anything is timed: the first frames take longer to decode than the others.
        self._camera.open()
        self._courier.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._camera.close()
        self._courier.close()
        for worker in self._workers.values():
            worker.shutdown(cancel_futures=True)

    def connect(self, timeout_s: float = CONNECT_TIMEOUT_S) -> Welcome:
        """Wait for the server's `Welcome`.

        Raises `TransportError` if none comes within `timeout_s` seconds, or before the run is stopped.
        """
        now = self._clock.now()
        give_up_at = now + timeout_s
        self._carry_out(self._session.start(now))
        while self._welcome is None:
            if self._stop():
                raise TransportError("stopped before the server answered")
            if now >= give_up_at:
                why = self._courier.state
                raise TransportError(f"no answer from the server within {timeout_s:g} s{why and ': '}{why}")
            self._wait(min(give_up_at, self._session.wake_at or give_up_at))
            self._receive()
            now = self._clock.now()
            self._carry_out(self._session.advance(now))
        return self._welcome

    def play(self) -> None:
        """Play the camera to its end, and wait for the last offload; a stop waits for nothing but the last frames."""
        self._camera.start(self._clock.now())
        stopping = False
        while not self._session.finished:
            self._wait(self._next_at())
            self._receive()
            self._finish_work()
            if not stopping and self._stop():
                stopping = True
                self._carry_out(self._session.abandon(self._clock.now()))
            if not stopping:
                self._capture()
            self._carry_out(self._session.advance(self._clock.now()))

    def _next_at(self) -> float:
        times = (self._session.wake_at, self._camera.due_at)
        return min((time for time in times if time is not None), default=float("inf"))

    def _wait(self, until: float) -> None:
        """Until the bell rings; what rang it before is seen to after."""
        self._bell.wait(min(max(until - self._clock.now(), 0.0), _IDLE_S))
        self._bell.clear()

    def _receive(self) -> None:
        """All messages that are there, and what became of the connection."""
        while (arrival := self._courier.next_arrival()) is not None:
            if isinstance(arrival.content, Fault):
                fault = arrival.content
                self._carry_out(self._session.disconnected(fault.reason, arrival.at, refused=fault.refused))
            else:
                self._carry_out(self._session.receive(arrival.content, arrival.at))

    def _finish_work(self) -> None:
        """Tell the session of all work that is done."""
        for item in [item for item in self._working if item[0].done()]:
            self._working.remove(item)
            future, tell = item
            self._carry_out(tell(future.result(), self._clock.now()))

    def _capture(self) -> None:
        now = self._clock.now()
        frame = self._camera.take(now)
        if frame is not None:
            self._carry_out(self._capture_one(frame, now))
        if self._camera.ended:
            self._session.end()

    @abstractmethod
    def _capture_one(self, frame: Frame, now: float) -> list[DeviceEvent]:
        """Tell the session of a frame."""

    @abstractmethod
    def _hand_on(self, event: DeviceEvent) -> None:
        """Have work done, or a decision made."""

    def _carry_out(self, events: list[DeviceEvent]) -> None:
        for event in events:
            match event:
                case Displayed():
                    self.frames += 1
                    self._on_frame(event)
                case OffloadDone(record=record):
                    self.offloads += 1
                    self.failed_offloads += record.failed
                    self._on_offload(event)
                case Connected(welcome=welcome):
                    self._connected(welcome)
                case Send(payload=payload):
                    self._courier.send(payload)
                case Redial():
                    self._courier.redial()
                case Lost(reason=reason):
                    _LOG.warning("%s; looking for it, the picture goes on", reason)
                case _:
                    self._hand_on(event)

    def _connected(self, welcome: Welcome) -> None:
        if self._welcome is not None:
            _LOG.warning("the server is back, with model %s", welcome.model)
        self._welcome = welcome

    def _work(
        self, worker: str, do: Callable[[_W], _R], work: _W, tell: Callable[[_R, float], list[DeviceEvent]]
    ) -> None:
        future = self._workers[worker].submit(do, work)
        self._working.append((future, tell))
        future.add_done_callback(lambda _: self._bell.set())


def _check_size(source: FrameSource) -> None:
    height, width = source.size
    if max(height, width) > MAX_SIDE or height * width > MAX_PIXELS:
        raise InputError(
            f"frames of {source.name} are {height} x {width} pixels, and servers take at most {MAX_PIXELS} pixels and "
            f"sides of {MAX_SIDE}: set the camera to a smaller picture, or scale the clip down"
        )
