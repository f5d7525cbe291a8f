"""What policies have in common that compare estimates: by the knee of algorithm 1, or by what will be shown."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from foveate.core import (
    Average,
    Candidates,
    ContentInputs,
    EstimateOptions,
    Estimates,
    FrameContent,
    InputError,
    LatencyFit,
    OffloadPlan,
)
from foveate.policies._base import DeviceState
from foveate.policies.back2back import QUALITY
from foveate.policies.frontier import Knee, expected_f1, knee_point, pareto_frontier

Aim = Literal["knee", "shown"]


@dataclass(frozen=True, kw_only=True)
class Balancing(ABC):
    """Algorithm 1 of ViTMAlis, or another aim, over candidates that a kind of policy names. Needs a profile."""

    tracks: ClassVar[bool] = True
    needs_profile: ClassVar[bool] = True

    aim: Aim = "knee"
    """`knee`: algorithm 1. `shown`: the greatest `frontier.expected_f1`, which knows neither a knee nor thresholds."""
    delta_eta_s: float = 1.0
    """Seconds since the last offload after which the fastest configuration is taken: 30 frames at 30 FPS."""
    delta_kappa: float = 0.7
    """Tracking retention under which the fastest configuration is taken."""
    knee: Knee = "chord"
    """How the balance is found: `chord` or `utility`, see `frontier.knee_point`."""
    link: Average = "mean"
    """How throughput and round trip are expected from past offloads: `mean` of two, `harmonic`, `ewma`."""
    latency: LatencyFit = "best"
    """Of inference times: `best`, or `line` even where it misses by more than 5 %."""
    content: ContentInputs = "device"
    """What size and accuracy are estimated from: `device`, `paper`, or `mean`: the configuration alone (ablation).
    `truth`: every configuration is carried out, which simulations alone can do."""
    in_flight: int = 1
    """Offloads on their way at once, 1 or 2: with 2 the next leaves as soon as the server holds the one before."""

    def __post_init__(self) -> None:
        if self.in_flight not in (1, 2):
            raise InputError(f"in_flight must be 1 or 2, got {self.in_flight}")
        if not 0 <= self.delta_kappa <= 1:
            raise InputError(f"delta_kappa must lie in 0..1, got {self.delta_kappa:g}")
        of_knee = ("knee", "delta_eta_s", "delta_kappa")
        if self.aim == "shown" and any(getattr(self, name) != getattr(Balancing, name) for name in of_knee):
            raise InputError(f"aim=shown knows neither knee nor urgency: it leaves no {', '.join(of_knee)} to choose")
        if not self.delta_eta_s > 0:
            raise InputError(f"delta_eta_s must be positive, got {self.delta_eta_s:g}")

    @property
    def estimate_options(self) -> EstimateOptions:
        """As the parameters say."""
        return EstimateOptions(link=self.link, latency=self.latency, content=self.content)

    @property
    def foreseen(self) -> int:
        """As many as are compared, if it is by the truth."""
        return self.compared if self.content == "truth" else 0

    @property
    @abstractmethod
    def compared(self) -> int:
        """Most configurations of a frame."""

    def decide(self, state: DeviceState) -> OffloadPlan:
        """The full frame before a first result, or while nothing is measured yet; then what the aim chooses."""
        if state.result is None or state.content is None or state.estimate is None:
            return OffloadPlan(jpeg_quality=QUALITY)
        candidates = self._candidates(state, state.content)
        choose = self._most_shown if self.aim == "shown" else self._by_knee
        index, reason = choose(state.estimate(candidates), state, state.content)
        return candidate_plan(candidates, index, reason)

    @abstractmethod
    def _candidates(self, state: DeviceState, content: FrameContent) -> Candidates:
        """What is compared."""

    def _most_shown(self, estimates: Estimates, _: DeviceState, content: FrameContent) -> tuple[int, str]:
        shown = expected_f1(estimates.latency_s, estimates.accuracy, fading_per_s=content.fading_per_s)
        return int(np.argmax(shown)), "shown"

    def _by_knee(self, estimates: Estimates, state: DeviceState, _: FrameContent) -> tuple[int, str]:
        """Lines 12 to 19 of algorithm 1: the index of a candidate, and why."""
        frontier = pareto_frontier(estimates.latency_s, estimates.accuracy)
        urgent = {"lost": state.retention < self.delta_kappa, "stale": state.since_offload_s > self.delta_eta_s}
        words = [word for word, holds in urgent.items() if holds]
        if len(frontier) == 1:
            return int(frontier[0]), " ".join([*words, "only"])
        if words:
            return int(frontier[0]), " ".join(words)
        return knee_point(estimates.latency_s, estimates.accuracy, kind=self.knee), "knee"


def candidate_plan(candidates: Candidates, index: int, reason: str = "") -> OffloadPlan:
    """The plan that carries out one of the candidates."""
    quality, scale = int(candidates.jpeg_quality[index]), float(candidates.frame_scale[index])
    if scale < 1:
        return OffloadPlan(frame_scale=scale, jpeg_quality=quality, reason=reason)
    kind = int(candidates.downsampling_type[index])
    mask = candidates.masks[kind]
    return OffloadPlan(
        downsampling_mask=mask if mask.any() else None,
        downsampling_type=kind,
        jpeg_quality=quality,
        restoration_point=int(candidates.restoration_point[index]),
        reason=reason,
    )
