"""A live device that tracks objects between the answers of a server: its session, with codec, motion and tracker."""

import secrets
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from foveate.codec import EncodedFrame, encode_plan
from foveate.core import Frame, Profile
from foveate.device.backoff import Backoff
from foveate.device.events import (
    DecideWork,
    DeviceEvent,
    Displayed,
    EncodeWork,
    MotionWork,
    OffloadDone,
    TrackWork,
)
from foveate.device.live_shell import LiveShell, ignore, never
from foveate.device.perception import Perception
from foveate.device.session import OFFLOAD_TIMEOUT_S, DeviceSession
from foveate.device.sources import FrameSource, open_source
from foveate.estimators import PerformanceEstimator
from foveate.network.messages import Welcome
from foveate.network.security import DeviceKeys
from foveate.network.transports import Channel, ZmqChannel
from foveate.policies import Policy, by_name
from foveate.tracking import reduce

SOCKET_BUFFER_BYTES = 16 * 1024
"""Asked of the kernel, so that it holds next to nothing in front of a slow link."""


@dataclass(frozen=True, kw_only=True)
class LiveRun:
    """What `run_live` and `simulate` leave beside what their callbacks saw."""

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
    on_frame: Callable[[Displayed], None] = ignore,
    on_offload: Callable[[OffloadDone], None] = ignore,
    profile: Profile | None = None,
    fps: float | None = None,
    loop: int = 1,
    offload_timeout_s: float = OFFLOAD_TIMEOUT_S,
    model: str = "",
    keys: DeviceKeys | None = None,
    insecure: bool = False,
    stop: Callable[[], bool] = never,
) -> LiveRun:
    """Show what `camera` sees against the server at `server` (`HOST:PORT`), until it ends or `stop()` is true.

    `camera`: what `open_source` takes, with `fps` and `loop`, or a `FrameSource`, which stays open. `policy`: a policy
    or its text, such as `"fixed:beta=4"`; one that compares estimates needs a `profile`. `on_frame` is called for each
    displayed frame, at its time: a slow one delays the next frames. `model`: which of the server's models is to run;
    empty = its first. `keys` encrypt the traffic; only a server on this machine, or behind a tunnel (`insecure`), does
    without. Raises `MediaError` if the camera cannot be read, `InputError` if its frames are too large for any server,
    `TransportError` if the server does not answer at the start, or not before a stop, `ProtocolError` if it refuses, as
    where it does not know the model; a server lost later is looked for until it is back.
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


class LiveDevice(LiveShell[DeviceSession]):
    """Runs a `DeviceSession` on the wall clock. Use as a context manager: `connect`, then `play`."""

    def __init__(
        self,
        *,
        source: FrameSource,
        channel: Channel,
        policy: Policy,
        on_frame: Callable[[Displayed], None] = ignore,
        on_offload: Callable[[OffloadDone], None] = ignore,
        profile: Profile | None = None,
        offload_timeout_s: float = OFFLOAD_TIMEOUT_S,
        model: str = "",
        stop: Callable[[], bool] = never,
    ) -> None:
        def session(frame_interval_s: float) -> DeviceSession:
            return DeviceSession(
                policy=policy,
                frame_interval_s=frame_interval_s,
                offload_timeout_s=offload_timeout_s,
                model=model,
                backoff=Backoff(secrets.randbits(64)),
                estimator=None if profile is None or profile.content is None else PerformanceEstimator(profile),
            )

        super().__init__(
            source=source,
            channel=channel,
            session=session,
            workers=("codec", "motion", "tracker"),
            on_frame=on_frame,
            on_offload=on_offload,
            stop=stop,
        )
        self._perception = Perception()

    def _capture_one(self, frame: Frame, now: float) -> list[DeviceEvent]:
        grey = reduce(frame.pixels) if self._session.wants_grey else None
        return self._session.capture(frame, now, grey)

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


def _encode(work: EncodeWork) -> EncodedFrame:
    encoded = encode_plan(work.frame.pixels, grid=work.grid, plan=work.plan)
    assert isinstance(encoded, EncodedFrame)  # the streaming session knows no other plans
    return encoded
