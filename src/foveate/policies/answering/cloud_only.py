"""cloud-only: every frame is sent whole, whatever the link; its answer may be fused with the device's."""

from dataclasses import dataclass
from typing import ClassVar

from foveate.core import InputError, LookPlan, OffloadPlan, View
from foveate.policies.answering._base import CostModel, FrameState, Fusion


@dataclass(frozen=True, kw_only=True)
class CloudOnly:
    """The whole frame in one picture of one quality; the cloud's answer alone counts, unless both are to be fused."""

    name: ClassVar[str] = "cloud-only"
    offloads: ClassVar[bool] = True
    schedules: ClassVar[bool] = False
    looks_first: ClassVar[bool] = False
    cost_model: ClassVar[CostModel] = "line"
    confidence: ClassVar[float | None] = None

    quality: int = 90
    """JPEG quality, 1..100."""
    scale: float = 1.0
    """Factor on height and width before it is sent, above 0 and at most 1."""
    ensemble: bool = False
    """Whether both results make the answer; else the cloud's alone where it came."""
    device_weight: float = 0.5
    """Of the device's boxes in the ensemble, 0..1."""

    def __post_init__(self) -> None:
        if not (1 <= self.quality <= 100 and 0 < self.scale <= 1):
            raise InputError(
                f"cloud-only needs a quality in 1..100 and a scale in (0, 1], got {self.quality} and {self.scale:g}"
            )
        if not 0 <= self.device_weight <= 1:
            raise InputError(f"device_weight must lie in 0..1, got {self.device_weight:g}")

    @property
    def fusion(self) -> Fusion | None:
        """Of the ensemble."""
        return Fusion(device=self.device_weight, cloud=1 - self.device_weight) if self.ensemble else None

    def look(self, state: FrameState) -> LookPlan:
        """The whole frame: what is shown when the cloud is late."""
        return LookPlan(views=(state.whole_look,))

    def decide(self, state: FrameState) -> OffloadPlan:
        """The whole frame."""
        return OffloadPlan(
            views=(View.whole(state.size, self.scale),),
            jpeg_quality=self.quality,
            slicing=state.slicing,
            reason="always",
        )
