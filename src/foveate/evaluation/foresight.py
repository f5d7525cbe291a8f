"""What configurations of a frame will really bring: known in a simulation, where every one of them can be tried."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from foveate.core import (
    Candidates,
    Detections,
    Estimate,
    EstimateOptions,
    Estimates,
    FrameContent,
    LinkState,
    OffloadPlan,
    Pixels,
    Profile,
    RegionGrid,
)
from foveate.estimators import PerformanceEstimator
from foveate.evaluation.durations import Durations
from foveate.evaluation.outcomes import Outcomes
from foveate.metrics import F1Counter, Truth, with_ignore_rules
from foveate.network import Link
from foveate.policies import candidate_plan

AnswerAt = Callable[[int, Callable[[], Pixels]], Detections]
"""A file position, and what gives its frame -> the model's own result at full resolution."""
Foresee = Callable[[Candidates, RegionGrid], Estimates]
"""Candidates for the frame at hand, and its regions -> what they would bring if they were sent now."""


class ForeseeingEstimator(PerformanceEstimator):
    """Estimates as a profile does; where a policy asks for the truth, tells it."""

    def __init__(self, profile: Profile, foresee: Foresee) -> None:
        super().__init__(profile)
        self._foresee = foresee

    def with_options(self, options: EstimateOptions) -> PerformanceEstimator:
        """Itself if the truth is asked for."""
        return self if options.content == "truth" else PerformanceEstimator(self._profile, options)

    def bind(self, *, grid: RegionGrid, content: FrameContent, link: LinkState) -> Estimate:  # noqa: ARG002
        """Nothing is read from what a device knows."""
        return lambda candidates: self._foresee(candidates, grid)


@dataclass(frozen=True, kw_only=True, eq=False)
class Moment:
    """A frame, and when it could be sent."""

    position: int
    """Of the frame in the file."""
    pixels: Callable[[], Pixels]
    """Gives it."""
    now: float
    """Start of encoding."""


@dataclass(frozen=True, kw_only=True)
class Foresight:
    """Carries out candidates: real bytes and outputs of the model, the link as it will be.

    Not foreseen: the spread of the server's durations, and waiting behind another offload or for a core of the device.
    """

    outcomes: Outcomes
    durations: Durations
    link: Link
    answers: AnswerAt
    """The model's own full-resolution results, which F1 is counted against."""
    grid_of: Callable[[int, int], RegionGrid]
    """Regions of a picture of `height x width`."""

    def estimates(self, candidates: Candidates, grid: RegionGrid, moment: Moment) -> Estimates:
        """What they would bring; `grid` is that of the frame."""
        answer = self.answers(moment.position, moment.pixels)
        truth = with_ignore_rules(Truth(detections=answer), frame_height=grid.height)
        plans = [candidate_plan(candidates, index) for index in range(len(candidates))]
        latency, accuracy, size = np.array([self._brings(plan, grid, moment, truth) for plan in plans]).T
        return Estimates(latency_s=latency, accuracy=accuracy, size_bytes=size)

    def _brings(self, plan: OffloadPlan, grid: RegionGrid, moment: Moment, truth: Truth) -> tuple[float, float, float]:
        """Latency, F1 and bytes."""
        sent = self.grid_of(*plan.sent_size((grid.height, grid.width)))
        outcome = self.outcomes.get(moment.position, plan, sent, moment.pixels)
        found = outcome.detections.scaled(grid.height / sent.height, grid.width / sent.width)
        counts = F1Counter().add(found, truth.detections, ignore=truth.ignore)
        size = outcome.encoded.size_bytes
        arrives_at = self.link.preview(moment.now + self.durations.encode_s(plan, sent), size)
        done_at = arrives_at + self.durations.decode_s(plan, sent) + self.durations.inference_s(plan, sent)
        return done_at + self.link.rtt_at(done_at) / 2 - moment.now, counts.f1, float(size)
