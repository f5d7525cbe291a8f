"""ViTMAlis: the configuration at the knee of estimated latency and accuracy, or the fastest when results grow old."""

from dataclasses import dataclass, replace
from typing import ClassVar

from foveate.core import Candidates, FrameContent, InputError, OffloadPlan
from foveate.policies._balancing import Balancing
from foveate.policies._base import DeviceState
from foveate.policies.configurations import configurations
from foveate.policies.region_types import DELTA_M, DELTA_RHO, region_types


@dataclass(frozen=True, kw_only=True)
class VitMAlis(Balancing):
    """Offload configuration selection (ViTMAlis, section IV-E, algorithm 1). Needs a profile."""

    name: ClassVar[str] = "vitmalis"

    delta_m: float = DELTA_M
    """Share of the foreground from which a region counts as moving."""
    delta_rho: float = DELTA_RHO
    """Share of the objects above which a region counts as relevant."""
    relevance_first: bool = False
    """Whether an object makes a region a DOR even without motion."""
    region_typing: bool = True
    """Without it all regions but DORs are downsampled, or none (ablation)."""
    beta: int | None = None
    """The one restoration point of frames with downsampled regions (ablation); None: all are compared."""
    late: bool = False
    """Whether frames with downsampled regions are restored after the last block, and at no other point (ablation: the
    paper's "w/o DynaRes"); the profile must know how long that takes."""
    one_picture: bool = False
    """Whether regions of both resolutions travel in one picture (control); the codec otherwise sends two."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (0 <= self.delta_m <= 1 and 0 <= self.delta_rho <= 1):
            raise InputError(f"delta_m and delta_rho must lie in 0..1, got {self.delta_m:g} and {self.delta_rho:g}")
        if self.beta is not None and self.beta < 0:
            raise InputError(f"beta must be 0 or more, got {self.beta}")
        if self.late and self.beta is not None:
            raise InputError("late restoration is after the last block: it leaves no beta to choose")

    @property
    def compared(self) -> int:
        """7 of the whole frame, 35 of each of two masks."""
        return 77

    def decide(self, state: DeviceState) -> OffloadPlan:
        """As algorithm 1 says."""
        return replace(super().decide(state), one_picture=self.one_picture)

    def _candidates(self, state: DeviceState, content: FrameContent) -> Candidates:
        """All that the types of the frame's regions offer."""
        return configurations(
            region_types(content, delta_m=self.delta_m, delta_rho=self.delta_rho, relevance_first=self.relevance_first),
            content,
            restoration_points=self._restoration_points(state.restoration_points),
            downsampling_types=(0, 1, 2) if self.region_typing else (0, 2),
        )

    def _restoration_points(self, offered: range) -> range:
        if self.late:
            return range(offered[-1] + 1, offered[-1] + 2)
        if self.beta is None:
            return offered
        if self.beta not in offered:
            raise InputError(f"policy vitmalis: beta must lie in 0..{offered[-1]} for this model, got {self.beta}")
        return range(self.beta, self.beta + 1)
