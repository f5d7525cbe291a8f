"""A run of a device that owes answers, on virtual time: same session, bytes and results; durations of a `PairTimes`.

As `simulate.py`: the order of events depends on their times alone, and nothing reads a clock.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from foveate.core import (
    ClassProfile,
    Detections,
    Frame,
    OffloadPlan,
    PairTimes,
    Pixels,
    RegionGrid,
)
from foveate.device import (
    Answered,
    AnsweringSession,
    AnswerRules,
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
from foveate.evaluation.agenda import Cores
from foveate.evaluation.answer_outcomes import AnswerOutcomes, Looks
from foveate.evaluation.virtual_run import VirtualRun
from foveate.policies.answering import AnswerPolicy
from foveate.server import Work

SPREAD = 0.05
"""Relative standard deviation of the cloud's durations; assumed."""


@dataclass(kw_only=True)
class AnswerSimulation(VirtualRun):
    """One device and one cloud. `run` plays the clip once."""

    frames: Callable[[int], Pixels]
    """Pixels at a position of the file; asked only for what no earlier run has computed."""
    looks: Looks
    outcomes: AnswerOutcomes
    policy: AnswerPolicy
    rules: AnswerRules
    times: PairTimes
    profile: ClassProfile | None
    on_answer: Callable[[Answered], None]
    frame_count: int
    """How many frames are played, at least 1."""
    _sent: dict[int, tuple[int, OffloadPlan, RegionGrid]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._device = AnsweringSession(
            policy=self.policy,
            frame_interval_s=1 / self.clip.fps,
            rules=self.rules,
            times=self.times,
            profile=self.profile,
        )
        # The model has an accelerator of its own; decisions and compression share a core.
        self._accelerator, self._core = Cores(1), Cores(1)

    @property
    def probe_bytes(self) -> int:
        """Sum of all probes."""
        return self._device.probe_bytes

    @property
    def _session(self) -> AnsweringSession:
        return self._device

    @property
    def _captures(self) -> int:
        return self.frame_count

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
        encoded = self.outcomes.encoded(position, work.plan, work.grid, lambda: self.frames(position))
        self._sent[work.offload_id] = position, work.plan, work.grid
        seconds = self.times.encoding_s(work.plan, work.grid)
        self._book(self._core, now, seconds, lambda at: self._device.encoded(work.offload_id, encoded, at))

    def _book(self, cores: Cores, now: float, seconds: float, tell: Callable[[float], list[DeviceEvent]]) -> None:
        self._agenda.book(cores.take(now, seconds), lambda at: self._carry_out(tell(at), at))

    def _position(self, frame: Frame) -> int:
        return self.clip.file_position(frame.index)

    def _server_seconds(self, work: Work) -> tuple[float, float]:
        """Decoding and inference of an offload, the latter with the assumed spread."""
        _, plan, grid = self._sent[work.offload.offload_id]
        rng = np.random.default_rng([self.seed, work.offload.offload_id])
        spread = float(np.exp(rng.normal(0, SPREAD)))
        return self.times.decoding_s(plan, grid), self.times.computing_s(plan, grid) * spread

    def _take_found(self, offload_id: int, arrives_at: float) -> Detections:
        """Empty where it comes too late for an answer: nobody sees it, and inference is what a run costs."""
        position, plan, grid = self._sent.pop(offload_id)
        if not self._device.awaits(offload_id, arrives_at):
            return Detections.empty(tuple(self.welcome.class_names))
        return self.outcomes.found(position, plan, grid, lambda: self.frames(position))
