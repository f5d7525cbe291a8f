"""A run of a device that owes answers, on virtual time: same session, bytes and results; durations of a `PairTimes`.

As `simulate.py`: the order of events depends on their times alone, and nothing reads a clock.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from foveate.core import (
    ClassProfile,
    Detections,
    Frame,
    OffloadPlan,
    PairTimes,
    Pixels,
    RegionGrid,
    TransportError,
)
from foveate.device import (
    Answered,
    AnsweringSession,
    AnswerRules,
    Clip,
    Connected,
    DecideWork,
    DeviceEvent,
    Displayed,
    EncodeWork,
    LookWork,
    OffloadDone,
    Redial,
    Send,
)
from foveate.device.live_shell import CONNECT_TIMEOUT_S
from foveate.evaluation.agenda import Agenda, Cores
from foveate.evaluation.answer_outcomes import AnswerOutcomes, Looks
from foveate.evaluation.link_truth import LinkTruth
from foveate.network import LinkSettings
from foveate.network.messages import Welcome
from foveate.policies.answering import AnswerPolicy
from foveate.server import Inferred, Reply, ServerSession, Work

SPREAD = 0.05
"""Relative standard deviation of the cloud's durations; assumed."""


@dataclass(kw_only=True)
class AnswerSimulation:
    """One device and one cloud. `run` plays the clip once."""

    clip: Clip
    frames: Callable[[int], Pixels]
    """Pixels at a position of the file; asked only for what no earlier run has computed."""
    looks: Looks
    outcomes: AnswerOutcomes
    welcome: Welcome
    """The cloud's model."""
    policy: AnswerPolicy
    rules: AnswerRules
    times: PairTimes
    profile: ClassProfile | None
    link: LinkSettings
    on_frame: Callable[[Displayed], None]
    on_answer: Callable[[Answered], None]
    on_offload: Callable[[OffloadDone, LinkTruth | None], None]
    """Also told what the link did, if the offload was sent."""
    frame_count: int
    """How many frames are played."""
    seed: int = 0
    """Of the spread of the cloud's durations."""
    _agenda: Agenda = field(default_factory=Agenda, init=False)
    _sent: dict[int, tuple[OffloadPlan, RegionGrid, Detections]] = field(default_factory=dict, init=False)
    _truths: dict[int, LinkTruth] = field(default_factory=dict, init=False)
    _server_busy: bool = field(default=False, init=False)
    _filming: bool = field(default=False, init=False)
    _connection: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._device = AnsweringSession(
            policy=self.policy,
            frame_interval_s=1 / self.clip.fps,
            rules=self.rules,
            times=self.times,
            profile=self.profile,
        )
        self._server = ServerSession[None](self.welcome)
        self._link = self.link.start(0.0)
        # The model has an accelerator of its own; decisions and compression share a core.
        self._accelerator, self._core = Cores(1), Cores(1)

    @property
    def probe_bytes(self) -> int:
        """Sum of all probes."""
        return self._device.probe_bytes

    def run(self) -> None:
        """From the first frame to the last answer and display.

        Raises `TransportError` where a live device would: if the link lets no answer of the server pass at the start.
        """
        self._carry_out(self._device.start(0.0), 0.0)
        while not self._device.finished:
            self._step()

    def _start_camera(self, now: float) -> None:
        """Captures start after the server answered for the first time, as a live device's do."""
        if self._filming:
            return
        self._filming = True
        if now > CONNECT_TIMEOUT_S:
            raise TransportError(f"no answer from the server within {CONNECT_TIMEOUT_S:g} s")
        first_at = max(now, 2 * self._link.rtt_at(0.0) + 0.1)
        for index in range(self.frame_count):
            self._agenda.book(first_at + index / self.clip.fps, partial(self._capture, index))

    def _step(self) -> None:
        wake_at, next_at = self._device.wake_at, self._agenda.next_at
        if next_at is not None and (wake_at is None or next_at <= wake_at):
            self._agenda.run_next()
        elif wake_at is not None:
            now = self._agenda.advance(wake_at)
            self._carry_out(self._device.advance(now), now)
        else:
            self._device.end()

    def _capture(self, index: int, now: float) -> None:
        height, width = self.clip.size
        unseen: Pixels = np.broadcast_to(np.zeros(1, np.uint8), (height, width, 3))
        self._carry_out(self._device.capture(Frame(pixels=unseen, index=index, captured_at=now), now), now)
        if index == self.frame_count - 1:
            self._device.end()

    def _carry_out(self, events: list[DeviceEvent], now: float) -> None:
        for event in events:
            match event:
                case Displayed():
                    self.on_frame(event)
                case Answered():
                    self.on_answer(event)
                case OffloadDone():
                    self.on_offload(event, self._truths.pop(event.record.offload_id, None))
                case Send():
                    self._send(event, now)
                case Connected():
                    self._start_camera(now)
                case Redial():
                    self._redial(now)
                case LookWork() | DecideWork() | EncodeWork():
                    self._work(event, now)

    def _work(self, event: LookWork | DecideWork | EncodeWork, now: float) -> None:
        """What keeps the device busy."""
        match event:
            case LookWork(number=number, frame=frame, plan=plan):
                position = self._position(frame)
                look = self.looks.get(position, plan, lambda: self.frames(position))
                seconds = self.times.looking_s(plan, self.clip.size)
                self._book(self._accelerator, now, seconds, lambda at: self._device.looked(number, look, at))
            case DecideWork():
                self._book(self._core, now, self.times.decide_s, self._device.decide)
            case EncodeWork():
                self._encode(event, now)

    def _encode(self, work: EncodeWork, now: float) -> None:
        position = self._position(work.frame)
        encoded, found = self.outcomes.get(position, work.plan, work.grid, lambda: self.frames(position))
        self._sent[work.offload_id] = work.plan, work.grid, found
        seconds = self.times.encoding_s(work.plan, work.grid)
        self._book(self._core, now, seconds, lambda at: self._device.encoded(work.offload_id, encoded, at))

    def _book(self, cores: Cores, now: float, seconds: float, tell: Callable[[float], list[DeviceEvent]]) -> None:
        self._agenda.book(cores.take(now, seconds), lambda at: self._carry_out(tell(at), at))

    def _position(self, frame: Frame) -> int:
        return self.clip.file_position(frame.index)

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
        plan, grid, _ = self._sent[work.offload.offload_id]
        rng = np.random.default_rng([self.seed, work.offload.offload_id])
        decode_s = self.times.decoding_s(plan, grid)
        inference_s = self.times.computing_s(plan, grid) * float(np.exp(rng.normal(0, SPREAD)))
        self._agenda.book(now + decode_s + inference_s, partial(self._inferred, work, decode_s, inference_s))

    def _inferred(self, work: Work, decode_s: float, inference_s: float, now: float) -> None:
        _, _, found = self._sent.pop(work.offload.offload_id)
        inferred = Inferred(detections=found, decode_s=decode_s, inference_s=inference_s)
        self._answer(self._server.finished(work, inferred), now)
        self._server_busy = False
        self._infer(now)
