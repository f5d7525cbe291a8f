"""A run on virtual time: the same sessions, codec bytes and model results, durations from a profile, link from a trace.

The order of events depends on their times alone, and nothing reads a clock: same inputs, same bytes of output.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from foveate.core import Candidates, Detections, Estimates, Frame, OffloadPlan, Pixels, Profile, RegionGrid
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
from foveate.evaluation.agenda import Cores
from foveate.evaluation.durations import Durations
from foveate.evaluation.foresight import AnswerAt, ForeseeingEstimator, Foresight, Moment
from foveate.evaluation.greys import Greys
from foveate.evaluation.outcomes import Outcome, Outcomes
from foveate.evaluation.virtual_run import VirtualRun
from foveate.policies import Policy
from foveate.server import Work
from foveate.tracking import Motion


@dataclass(kw_only=True)
class Simulation(VirtualRun):
    """One device and one server. `run` plays the clip once."""

    greys: Greys
    """Of the clip's file."""
    outcomes: Outcomes
    """What offloads of the clip bring."""
    policy: Policy
    profile: Profile
    answers: AnswerAt
    """The model's own full-resolution results; asked for by policies that want the truth."""
    _newest: int = field(default=0, init=False)
    _perception: Perception = field(default_factory=Perception, init=False)
    _plans: dict[int, tuple[OffloadPlan, RegionGrid]] = field(default_factory=dict, init=False)
    _found: dict[int, Outcome] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        content = self.profile.content
        self._device = DeviceSession(
            policy=self.policy,
            frame_interval_s=1 / self.clip.fps,
            estimator=None if content is None else ForeseeingEstimator(self.profile, self._foresee),
        )
        self._cores = Cores(self.profile.device.cores)
        self._frames = _FrameReader(self.clip)
        self._durations = Durations(profile=self.profile)
        self._foresight = Foresight(
            outcomes=self.outcomes,
            durations=self._durations,
            link=self._link,
            answers=self.answers,
            grid_of=self.welcome.grid,
        )

    @property
    def _session(self) -> DeviceSession:
        return self._device

    @property
    def _captures(self) -> int:
        return len(self.greys) if self.clip.order is None else len(self.clip.order)

    def _foresee(self, candidates: Candidates, grid: RegionGrid) -> Estimates:
        """What would come of the newest frame, were it sent now."""
        moment = Moment(
            position=self.clip.file_position(self._newest),
            pixels=partial(self._frames.at, self._newest),
            now=self._agenda.now,
        )
        return self._foresight.estimates(candidates, grid, moment)

    def _capture(self, index: int, now: float) -> None:
        self._newest = index
        height, width = self.clip.size
        # The codec takes its pixels from the file, and only if nobody sent this frame so before.
        unseen: Pixels = np.broadcast_to(np.zeros(1, np.uint8), (height, width, 3))
        grey = self.greys[self.clip.file_position(index)] if self._device.wants_grey else None
        frame = Frame(pixels=unseen, index=index, captured_at=now)
        self._carry_out(self._device.capture(frame, now, grey), now)
        if index == self._captures - 1:
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
        seconds = self._durations.encode_s(work.plan, work.grid)
        self._book_work(now, seconds, lambda when: self._device.encoded(work.offload_id, outcome.encoded, when))

    def _take_found(self, offload_id: int, arrives_at: float) -> Detections:  # noqa: ARG002
        del self._plans[offload_id]
        return self._found.pop(offload_id).detections

    def _server_seconds(self, work: Work) -> tuple[float, float]:
        """Decoding and inference of an offload, the latter with the profile's spread."""
        plan, grid = self._plans[work.offload.offload_id]
        rng = np.random.default_rng([self.seed, work.offload.offload_id])
        spread = float(np.exp(rng.normal(0, self.profile.server.spread)))
        return self._durations.decode_s(plan, grid), self._durations.inference_s(plan, grid) * spread


class _FrameReader:
    """Frames of a clip in rising order of index: what is skipped is decoded and dropped, the last one is kept."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._frames: Iterator[Pixels] | None = None
        self._next = 0
        self._last: Pixels | None = None

    def at(self, index: int) -> Pixels:
        if self._last is not None and index == self._next - 1:
            return self._last
        if self._frames is None or index < self._next:
            self._frames, self._next = iter(self._clip), 0
        for pixels in self._frames:
            self._next += 1
            if self._next == index + 1:
                self._last = pixels
                return pixels
        raise IndexError(f"the clip has no frame {index}")
