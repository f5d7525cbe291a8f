"""ViTMAlis: the configuration at the knee of estimated latency and accuracy, or the fastest when results grow old."""

from dataclasses import dataclass
from typing import ClassVar

from foveate.core import (
    Average,
    Candidates,
    ContentInputs,
    EstimateOptions,
    Estimates,
    InputError,
    LatencyFit,
    OffloadPlan,
)
from foveate.policies._base import DeviceState
from foveate.policies.back2back import QUALITY
from foveate.policies.configurations import configurations
from foveate.policies.frontier import Knee, knee_point, pareto_frontier
from foveate.policies.region_types import DELTA_M, DELTA_RHO, region_types


@dataclass(frozen=True, kw_only=True)
class VitMAlis:
    """Offload configuration selection (ViTMAlis, section IV-E, algorithm 1). Needs a profile."""

    name: ClassVar[str] = "vitmalis"
    tracks: ClassVar[bool] = True
    needs_profile: ClassVar[bool] = True

    delta_m: float = DELTA_M
    """Share of the foreground from which a region counts as moving."""
    delta_rho: float = DELTA_RHO
    """Share of the objects above which a region counts as relevant."""
    delta_eta_s: float = 1.0
    """Seconds since the last offload after which the fastest configuration is taken: 30 frames at 30 FPS."""
    delta_kappa: float = 0.7
    """Tracking retention under which the fastest configuration is taken."""
    knee: Knee = "chord"
    """How the balance is found: `chord` or `utility`, see `frontier.knee_point`."""
    relevance_first: bool = False
    """Whether an object makes a region a DOR even without motion."""
    link: Average = "mean"
    """How throughput and round trip are expected from past offloads: `mean` of two, `harmonic`, `ewma`."""
    latency: LatencyFit = "best"
    """Of inference times: `best`, or `line` even where it misses by more than 5 %."""
    content: ContentInputs = "device"
    """What size and accuracy are estimated from: `device`, `paper`, or `mean`: the configuration alone (ablation)."""
    region_typing: bool = True
    """Without it all regions but DORs are downsampled, or none (ablation)."""
    beta: int | None = None
    """The one restoration point of frames with downsampled regions (ablation); None: all are compared."""

    def __post_init__(self) -> None:
        if not (0 <= self.delta_m <= 1 and 0 <= self.delta_rho <= 1 and 0 <= self.delta_kappa <= 1):
            raise InputError(
                "delta_m, delta_rho and delta_kappa must lie in 0..1, got "
                f"{self.delta_m:g}, {self.delta_rho:g} and {self.delta_kappa:g}"
            )
        if self.delta_eta_s <= 0:
            raise InputError(f"delta_eta_s must be positive, got {self.delta_eta_s:g}")
        if self.beta is not None and self.beta < 0:
            raise InputError(f"beta must be 0 or more, got {self.beta}")

    @property
    def estimate_options(self) -> EstimateOptions:
        """As the parameters say."""
        return EstimateOptions(link=self.link, latency=self.latency, content=self.content)

    def decide(self, state: DeviceState) -> OffloadPlan:
        """Lines 1 to 20 of algorithm 1; the full frame before a first result, or while nothing is measured yet."""
        if state.result is None or state.content is None or state.estimate is None:
            return OffloadPlan(jpeg_quality=QUALITY)
        types = region_types(
            state.content, delta_m=self.delta_m, delta_rho=self.delta_rho, relevance_first=self.relevance_first
        )
        candidates = configurations(
            types,
            state.content,
            restoration_points=self._restoration_points(state.restoration_points),
            downsampling_types=(0, 1, 2) if self.region_typing else (0, 2),
        )
        index, reason = self._choose(state.estimate(candidates), state)
        return _plan(candidates, index, reason)

    def _restoration_points(self, offered: range) -> range:
        if self.beta is None:
            return offered
        if self.beta not in offered:
            raise InputError(f"policy vitmalis: beta must lie in 0..{offered[-1]} for this model, got {self.beta}")
        return range(self.beta, self.beta + 1)

    def _choose(self, estimates: Estimates, state: DeviceState) -> tuple[int, str]:
        """Lines 12 to 19: the index of a candidate, and why."""
        frontier = pareto_frontier(estimates.latency_s, estimates.accuracy)
        if len(frontier) == 1:
            return int(frontier[0]), "only"
        urgent = {"lost": state.retention < self.delta_kappa, "stale": state.since_offload_s > self.delta_eta_s}
        if any(urgent.values()):
            return int(frontier[0]), " ".join(word for word, holds in urgent.items() if holds)
        return knee_point(estimates.latency_s, estimates.accuracy, kind=self.knee), "knee"


def _plan(candidates: Candidates, index: int, reason: str) -> OffloadPlan:
    kind = int(candidates.downsampling_type[index])
    mask = candidates.masks[kind]
    return OffloadPlan(
        downsampling_mask=mask if mask.any() else None,
        downsampling_type=kind,
        jpeg_quality=int(candidates.jpeg_quality[index]),
        restoration_point=int(candidates.restoration_point[index]),
        reason=reason,
    )
