"""The live shell of a device: one session, and around it threads for camera, codec, motion, tracker and transport.

The loop itself displays. It waits for a bell that every thread rings, never for the work or the network behind it.
"""

import logging
import secrets
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from foveate.codec import EncodedFrame, encode_frame, scaled_to
from foveate.core import Clock, MonotonicClock, Profile, TransportError
from foveate.device.backoff import Backoff
from foveate.device.camera import pace
from foveate.device.courier import Courier
from foveate.device.events import (
    Connected,
    DecideWork,
    DeviceEvent,
    Displayed,
    EncodeWork,
    Lost,
    MotionWork,
    OffloadDone,
    Redial,
    Send,
    TrackWork,
)
from foveate.device.perception import Perception
from foveate.device.session import OFFLOAD_TIMEOUT_S, DeviceSession
from foveate.device.sources import FrameSource, open_source
from foveate.estimators import PerformanceEstimator
from foveate.network.messages import Welcome
from foveate.network.security import DeviceKeys
from foveate.network.transports import Channel, Fault, ZmqChannel
from foveate.policies import Policy, by_name
from foveate.tracking import reduce

CONNECT_TIMEOUT_S = 10.0
"""A server that has not answered by then is not there."""
SOCKET_BUFFER_BYTES = 16 * 1024
"""Asked of the kernel, so that it holds next to nothing in front of a slow link."""
_IDLE_S = 0.2
"""Longest rest of the loop: how soon a stop is noticed."""
_LOG = logging.getLogger(__name__)
_W = TypeVar("_W")
_R = TypeVar("_R")


def _ignore(event: object) -> None:
    """The callback of those who do not listen."""


def _never() -> bool:
    """The answer of those who do not stop a run."""
    return False


@dataclass(frozen=True, kw_only=True)
class LiveRun:
    """What `run_live` leaves beside what its callbacks saw."""

    welcome: Welcome
    """The server's model."""
    frames: int
    """How many frames were displayed."""
    dropped_frames: int
    """How many frames the camera gave up because nobody took them in time."""
    offloads: int
    """How many frames were offloaded."""
    failed_offloads: int
    """How many of them brought no result."""


def run_live(
    camera: int | str | Path | FrameSource,
    *,
    server: str,
    policy: Policy | str,
    on_frame: Callable[[Displayed], None] = _ignore,
    on_offload: Callable[[OffloadDone], None] = _ignore,
    profile: Profile | None = None,
    fps: float | None = None,
    loop: int = 1,
    offload_timeout_s: float = OFFLOAD_TIMEOUT_S,
    model: str = "",
    keys: DeviceKeys | None = None,
    insecure: bool = False,
    stop: Callable[[], bool] = _never,
) -> LiveRun:
    """Show what `camera` sees against the server at `server` (`HOST:PORT`), until it ends or `stop()` is true.

    `camera`: what `open_source` takes, with `fps` and `loop`, or a `FrameSource`, which stays open. `policy`: a policy
    or its text, such as `"fixed:beta=4"`; one that compares estimates needs a `profile`. `on_frame` is called for each
    displayed frame, at its time: a slow one delays the next frames. `model`: which of the server's models is to run;
    empty = its first. `keys` encrypt the traffic; only a server on this machine, or behind a tunnel (`insecure`), does
    without. Raises `MediaError` if the camera cannot be read, `TransportError` if the server does not answer
    at the start, `ProtocolError` if it refuses, as where it does not know the model; a server lost later is looked for
    until it is back.
    """
    chosen = by_name(policy) if isinstance(policy, str) else policy
    opened = nullcontext(camera) if isinstance(camera, FrameSource) else open_source(camera, fps=fps, loop=loop)
    with (
        opened as source,
        ZmqChannel(server, keys=keys, insecure=insecure, buffer_bytes=SOCKET_BUFFER_BYTES) as channel,
    ):
        device = LiveDevice(
            source=source,
            channel=channel,
            policy=chosen,
            on_frame=on_frame,
            on_offload=on_offload,
            profile=profile,
            offload_timeout_s=offload_timeout_s,
            model=model,
            stop=stop,
        )
        with device:
            welcome = device.connect()
            device.play()
    return LiveRun(
        welcome=welcome,
        frames=device.frames,
        dropped_frames=device.dropped_frames,
        offloads=device.offloads,
        failed_offloads=device.failed_offloads,
    )


class LiveDevice:
    """Runs a `DeviceSession` on the wall clock. Use as a context manager: `connect`, then `play`."""

    def __init__(
        self,
        *,
        source: FrameSource,
        channel: Channel,
        policy: Policy,
        on_frame: Callable[[Displayed], None] = _ignore,
        on_offload: Callable[[OffloadDone], None] = _ignore,
        profile: Profile | None = None,
        offload_timeout_s: float = OFFLOAD_TIMEOUT_S,
        model: str = "",
        stop: Callable[[], bool] = _never,
    ) -> None:
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
        self._session = DeviceSession(
            policy=policy,
            frame_interval_s=self._camera.interval_s,
            offload_timeout_s=offload_timeout_s,
            model=model,
            backoff=Backoff(secrets.randbits(64)),
            estimator=None if profile is None or profile.content is None else PerformanceEstimator(profile),
        )
        self._perception = Perception()
        # One thread each: what a codec does must not wait for a tracker.
        self._workers = {
            name: ThreadPoolExecutor(1, thread_name_prefix=name) for name in ("codec", "motion", "tracker")
        }
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
        """Wait for the server's `Welcome`. Raises `TransportError` if none comes within `timeout_s` seconds."""
        now = self._clock.now()
        give_up_at = now + timeout_s
        self._carry_out(self._session.start(now))
        while self._welcome is None:
            if now >= give_up_at or self._stop():
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
            grey = reduce(frame.pixels) if self._session.wants_grey else None
            self._carry_out(self._session.capture(frame, now, grey))
        if self._camera.ended:
            self._session.end()

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
                case Lost(reason=reason):
                    _LOG.warning("%s; looking for it, the picture goes on", reason)
                case _:
                    self._hand_on(event)

    def _hand_on(self, event: DeviceEvent) -> None:
        """Work for another thread, or a decision."""
        match event:
            case DecideWork():
                self._carry_out(self._session.decide(self._clock.now()))
            case EncodeWork(offload_id=offload_id):
                self._work("codec", _encode, event, partial(self._session.encoded, offload_id))
            case MotionWork():
                self._work("motion", self._perception.measure, event, self._session.moved)
            case TrackWork():
                self._work("tracker", self._perception.track, event, self._session.tracked)
            case Send(payload=payload):
                self._courier.send(payload)
            case Redial():
                self._courier.redial()

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


def _encode(work: EncodeWork) -> EncodedFrame:
    return encode_frame(
        scaled_to(work.frame.pixels, work.grid),
        grid=work.grid,
        mask=work.plan.downsampling_mask,
        blank=work.plan.blank_mask,
        quality=work.plan.jpeg_quality,
    )
