"""The live shell of a device: a camera, a codec thread and a transport around one session."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from foveate.codec import EncodedFrame, encode_frame, scaled_to
from foveate.core import Clock, MonotonicClock, Profile, TransportError
from foveate.device.camera import Clip, ClipCamera
from foveate.device.events import (
    Connected,
    DecideWork,
    DeviceEvent,
    Displayed,
    EncodeWork,
    MotionWork,
    OffloadDone,
    Send,
    TrackWork,
)
from foveate.device.perception import Perception
from foveate.device.session import OFFLOAD_TIMEOUT_S, DeviceSession
from foveate.estimators import PerformanceEstimator
from foveate.network.messages import Welcome
from foveate.network.transports import Channel, ZmqChannel
from foveate.policies import Policy, by_name
from foveate.tracking import reduce

CONNECT_TIMEOUT_S = 10.0
"""A server that has not answered by then is not there."""
SOCKET_BUFFER_BYTES = 16 * 1024
"""Asked of the kernel, so that it holds next to nothing in front of a slow link."""
_IDLE_S = 0.5
_W = TypeVar("_W")
_R = TypeVar("_R")


def _ignore(event: object) -> None:
    """The callback of those who do not listen."""


@dataclass(frozen=True, kw_only=True)
class LiveRun:
    """What `run_live` leaves beside what its callbacks saw."""

    welcome: Welcome
    """The server's model."""
    frames: int
    """How many frames were displayed."""
    dropped_frames: int
    """How many frames the camera gave up because nobody took them in time."""


def run_live(
    video: str | Path,
    *,
    server: str,
    policy: Policy | str,
    on_frame: Callable[[Displayed], None] = _ignore,
    on_offload: Callable[[OffloadDone], None] = _ignore,
    profile: Profile | None = None,
    loop: int = 1,
    offload_timeout_s: float = OFFLOAD_TIMEOUT_S,
) -> LiveRun:
    """Play `video` as a live camera against the server at `server` (`HOST:PORT`), until the clip ends.

    `policy`: a policy or its text, such as `"fixed:beta=4"`; one that compares estimates needs a `profile`.
    `on_frame` is called for each displayed frame, at its time: a slow one delays the next frames. Raises `MediaError`
    if the clip cannot be read, `TransportError` if the server does not answer at the start; a server lost later fails
    its offloads and nothing else.
    """
    chosen = by_name(policy) if isinstance(policy, str) else policy
    with Clip(video, loop=loop) as clip, ZmqChannel(server, buffer_bytes=SOCKET_BUFFER_BYTES) as channel:
        device = LiveDevice(
            clip=clip,
            channel=channel,
            policy=chosen,
            on_frame=on_frame,
            on_offload=on_offload,
            profile=profile,
            offload_timeout_s=offload_timeout_s,
        )
        with device:
            welcome = device.connect()
            device.play()
    return LiveRun(welcome=welcome, frames=device.frames, dropped_frames=device.dropped_frames)


class LiveDevice:
    """Runs a `DeviceSession` on the wall clock. Use as a context manager: `connect`, then `play`."""

    def __init__(
        self,
        *,
        clip: Clip,
        channel: Channel,
        policy: Policy,
        on_frame: Callable[[Displayed], None] = _ignore,
        on_offload: Callable[[OffloadDone], None] = _ignore,
        profile: Profile | None = None,
        offload_timeout_s: float = OFFLOAD_TIMEOUT_S,
    ) -> None:
        self.frames = 0
        """How many frames were displayed so far."""
        self._channel, self._on_frame, self._on_offload = channel, on_frame, on_offload
        self._clock: Clock = MonotonicClock()
        self._camera = ClipCamera(clip, on_ready=channel.wake)
        self._session = DeviceSession(
            policy=policy,
            frame_interval_s=self._camera.interval_s,
            offload_timeout_s=offload_timeout_s,
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
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._camera.close()
        for worker in self._workers.values():
            worker.shutdown(cancel_futures=True)

    def connect(self, timeout_s: float = CONNECT_TIMEOUT_S) -> Welcome:
        """Wait for the server's `Welcome`. Raises `TransportError` if none comes within `timeout_s` seconds."""
        self._carry_out(self._session.start())
        give_up_at = self._clock.now() + timeout_s
        while self._welcome is None:
            if self._clock.now() >= give_up_at:
                raise TransportError(f"no answer from the server within {timeout_s:g} s")
            self._receive(give_up_at)
        return self._welcome

    def play(self) -> None:
        """Play the clip to its end, and wait for the last offload."""
        self._camera.start(self._clock.now())
        while not self._session.finished:
            self._receive(self._next_at())
            self._finish_work()
            self._capture()
            self._carry_out(self._session.advance(self._clock.now()))

    def _next_at(self) -> float:
        times = (self._session.wake_at, self._camera.due_at)
        return min((time for time in times if time is not None), default=self._clock.now() + _IDLE_S)

    def _receive(self, until: float) -> None:
        """Wait for messages until `until`, then take all that are there: only the newest state counts."""
        payload = self._channel.poll(until - self._clock.now())
        while payload is not None:
            self._carry_out(self._session.receive(payload, self._clock.now()))
            payload = self._channel.poll(0)

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
                case OffloadDone():
                    self._on_offload(event)
                case DecideWork():
                    self._carry_out(self._session.decide(self._clock.now()))
                case EncodeWork(offload_id=offload_id):
                    self._work("codec", _encode, event, partial(self._session.encoded, offload_id))
                case MotionWork():
                    self._work("motion", self._perception.measure, event, self._session.moved)
                case TrackWork():
                    self._work("tracker", self._perception.track, event, self._session.tracked)
                case Send(payload=payload):
                    self._channel.send(payload)
                case Connected(welcome=welcome):
                    self._welcome = welcome

    def _work(
        self, worker: str, do: Callable[[_W], _R], work: _W, tell: Callable[[_R, float], list[DeviceEvent]]
    ) -> None:
        future = self._workers[worker].submit(do, work)
        self._working.append((future, tell))
        future.add_done_callback(lambda _: self._channel.wake())


def _encode(work: EncodeWork) -> EncodedFrame:
    return encode_frame(
        scaled_to(work.frame.pixels, work.grid),
        grid=work.grid,
        mask=work.plan.downsampling_mask,
        blank=work.plan.blank_mask,
        quality=work.plan.jpeg_quality,
    )
