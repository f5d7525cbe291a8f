"""A run on virtual time: the same sessions, codec bytes and model results, durations from a profile, link from a trace.

The order of events depends on their times alone, and nothing reads a clock: same inputs, same bytes of output.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from foveate.core import Frame, OffloadPlan, Pixels, Profile, RegionGrid, TransportError
from foveate.device import (
    Clip,
    Connected,
    DecideWork,
    DeviceEvent,
    DeviceSession,
    Displayed,
    EncodeWork,
    Lost,
    MotionWork,
    OffloadDone,
    Perception,
    Redial,
    Send,
    TrackWork,
)
from foveate.device.live_shell import CONNECT_TIMEOUT_S
from foveate.estimators import PerformanceEstimator, decode_seconds, encode_seconds, inference_seconds
from foveate.evaluation.agenda import Agenda, Cores
from foveate.evaluation.greys import Greys
from foveate.evaluation.link_truth import LinkTruth
from foveate.evaluation.outcomes import Outcome, Outcomes
from foveate.network import LinkSettings
from foveate.network.messages import Welcome
from foveate.policies import Policy
from foveate.server import Inferred, Reply, ServerSession, Work
from foveate.tracking import Motion


@dataclass(kw_only=True)
class Simulation:
    """One device and one server. `run` plays the clip once."""

    clip: Clip
    greys: Greys
    """Of the clip's file."""
    outcomes: Outcomes
    """What offloads of the clip bring."""
    welcome: Welcome
    """The server's model."""
    policy: Policy
    link: LinkSettings
    profile: Profile
    on_frame: Callable[[Displayed], None]
    on_offload: Callable[[OffloadDone, LinkTruth | None], None]
    """Also told what the link did, if the offload was sent."""
    seed: int = 0
    """Of the spread of the server's durations."""
    _agenda: Agenda = field(default_factory=Agenda, init=False)
    _perception: Perception = field(default_factory=Perception, init=False)
    _plans: dict[int, tuple[OffloadPlan, RegionGrid]] = field(default_factory=dict, init=False)
    _found: dict[int, Outcome] = field(default_factory=dict, init=False)
    _truths: dict[int, LinkTruth] = field(default_factory=dict, init=False)
    _server_busy: bool = field(default=False, init=False)
    _filming: bool = field(default=False, init=False)
    _connection: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        content = self.profile.content
        self._device = DeviceSession(
            policy=self.policy,
            frame_interval_s=1 / self.clip.fps,
            estimator=None if content is None else PerformanceEstimator(self.profile),
        )
        self._server = ServerSession[None](self.welcome)
        self._link = self.link.start(0.0)
        self._cores = Cores(self.profile.device.cores)
        self._frames = _FrameReader(self.clip)

    def run(self) -> None:
        """From the first frame to the last display.

        Raises `TransportError` where a live device would: if the link lets no answer of the server pass at the start.
        """
        self._carry_out(self._device.start(0.0), 0.0)
        while not self._device.finished:
            self._step()

    @property
    def _frame_count(self) -> int:
        return len(self.greys) if self.clip.order is None else len(self.clip.order)

    def _start_camera(self, now: float) -> None:
        """Captures start after the server answered for the first time, as a live device's do."""
        if self._filming:
            return
        self._filming = True
        if now > CONNECT_TIMEOUT_S:
            raise TransportError(f"no answer from the server within {CONNECT_TIMEOUT_S:g} s")
        first_at = max(now, 2 * self._link.rtt_at(0.0) + 0.1)
        for index in range(self._frame_count):
            self._agenda.book(first_at + index / self.clip.fps, partial(self._capture, index))

    def _step(self) -> None:
        wake_at, next_at = self._device.wake_at, self._agenda.next_at
        if next_at is not None and (wake_at is None or next_at <= wake_at):
            self._agenda.run_next()
        elif wake_at is not None:
            # What was due while the uplink was busy is due now, not then.
            now = self._agenda.advance(wake_at)
            self._carry_out(self._device.advance(now), now)
        else:
            self._device.end()

    def _capture(self, index: int, now: float) -> None:
        height, width = self.clip.size
        # The codec takes its pixels from the file, and only if nobody sent this frame so before.
        unseen: Pixels = np.broadcast_to(np.zeros(1, np.uint8), (height, width, 3))
        grey = self.greys[self.clip.file_position(index)] if self._device.wants_grey else None
        frame = Frame(pixels=unseen, index=index, captured_at=now)
        self._carry_out(self._device.capture(frame, now, grey), now)
        if index == self._frame_count - 1:
            self._device.end()

    def _carry_out(self, events: list[DeviceEvent], now: float) -> None:
        for event in events:
            match event:
                case Displayed():
                    self.on_frame(event)
                case OffloadDone():
                    self.on_offload(event, self._truths.pop(event.record.offload_id, None))
                case Send():
                    self._send(event, now)
                case Connected():
                    self._start_camera(now)
                case Redial():
                    self._redial(now)
                case Lost():
                    pass
                case DecideWork() | EncodeWork() | MotionWork() | TrackWork():
                    self._work(event, now)

    def _work(self, event: DecideWork | EncodeWork | MotionWork | TrackWork, now: float) -> None:
        """What keeps the device's cores busy."""
        match event:
            case DecideWork():
                spent = self.profile.device.decide_s if self.policy.needs_profile else 0.0
                self._book_work(now, spent, self._device.decide)
            case EncodeWork():
                self._encode(event, now)
            case MotionWork():
                motion = self._perception.measure(event)
                self._book_work(now, self.profile.device.motion_s, partial(self._moved, motion))
            case TrackWork():
                self._track(event, now)

    def _book_work(self, now: float, seconds: float, tell: Callable[[float], list[DeviceEvent]]) -> None:
        """Work on the device's cores, then its outcome for the session."""
        done_at = self._cores.take(now, seconds) if seconds > 0 else now
        self._agenda.book(done_at, lambda when: self._carry_out(tell(when), when))

    def _moved(self, motion: Motion, now: float) -> list[DeviceEvent]:
        return self._device.moved(motion, now)

    def _track(self, work: TrackWork, now: float) -> None:
        tracked = self._perception.track(work)
        device = self.profile.device
        steps = len(work.frames) - (work.restart is not None)
        objects = len(tracked.detections if work.restart is None else work.restart)
        seconds = max(steps, 1) * (device.tracker_frame_s + objects * device.tracker_object_s)
        self._book_work(now, seconds, lambda when: self._device.tracked(tracked, when))

    def _encode(self, work: EncodeWork, now: float) -> None:
        position = self.clip.file_position(work.frame.index)
        outcome = self.outcomes.get(position, work.plan, work.grid, lambda: self._frames.at(work.frame.index))
        self._plans[work.offload_id], self._found[work.offload_id] = (work.plan, work.grid), outcome
        plan = work.plan
        downsampled, quality = np.array([float(plan.downsampled_regions)]), np.array([plan.jpeg_quality])
        seconds = float(encode_seconds(self.profile.codec, work.grid, downsampled, quality)[0])
        self._book_work(now, seconds, lambda when: self._device.encoded(work.offload_id, outcome.encoded, when))

    def _send(self, event: Send, now: float) -> None:
        arrives_at = self._link.send(now, len(event.payload))
        if event.offload_id is not None:
            self._truths[event.offload_id] = LinkTruth.of(self._link, sent_at=now, arrives_at=arrives_at)
        self._agenda.book(arrives_at, partial(self._at_server, self._client, event.payload))

    @property
    def _client(self) -> bytes:
        """Name of the device's connection: to the server each is another client."""
        return b"device %d" % self._connection

    def _redial(self, now: float) -> None:
        """What is on its way in either direction is lost with the connection."""
        self._connection += 1
        self._link.abandon(now)

    def _at_server(self, client: bytes, payload: bytes, now: float) -> None:
        if client == self._client:
            for reply in self._server.receive(client, payload, now):
                self._answer(reply, now)
            self._infer(now)

    def _answer(self, reply: Reply, now: float) -> None:
        if reply.client == self._client:
            self._agenda.book(self._link.reply(now), partial(self._at_device, reply))

    def _at_device(self, reply: Reply, now: float) -> None:
        if reply.client == self._client:
            self._carry_out(self._device.receive(reply.payload, now), now)

    def _infer(self, now: float) -> None:
        for reply in self._server.advance(now):
            self._answer(reply, now)
        work = None if self._server_busy else self._server.next_work(now)
        if work is None:
            return
        self._server_busy = True
        decode_s, inference_s = self._server_seconds(work)
        self._agenda.book(now + decode_s + inference_s, partial(self._inferred, work, decode_s, inference_s))

    def _inferred(self, work: Work, decode_s: float, inference_s: float, now: float) -> None:
        offload_id = work.offload.offload_id
        found = self._found.pop(offload_id)
        del self._plans[offload_id]
        inferred = Inferred(detections=found.detections, decode_s=decode_s, inference_s=inference_s)
        self._answer(self._server.finished(work, inferred), now)
        self._server_busy = False
        self._infer(now)

    def _server_seconds(self, work: Work) -> tuple[float, float]:
        """Decoding and inference of an offload, the latter with the profile's spread."""
        plan, grid = self._plans[work.offload.offload_id]
        server, downsampled = self.profile.server, float(plan.downsampled_regions)
        point = np.array([plan.restoration_point])
        inference = float(inference_seconds(server, grid, np.array([downsampled]), point)[0])
        rng = np.random.default_rng([self.seed, work.offload.offload_id])
        spread = float(np.exp(rng.normal(0, server.spread)))
        return decode_seconds(self.profile.codec, grid, downsampled), inference * spread


class _FrameReader:
    """Frames of a clip in rising order of index: what is skipped is decoded and dropped."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._frames: Iterator[Pixels] | None = None
        self._next = 0

    def at(self, index: int) -> Pixels:
        if self._frames is None or index < self._next:
            self._frames, self._next = iter(self._clip), 0
        for pixels in self._frames:
            self._next += 1
            if self._next == index + 1:
                return pixels
        raise IndexError(f"the clip has no frame {index}")
