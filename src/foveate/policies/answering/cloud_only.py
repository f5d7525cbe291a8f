"""cloud-only: every frame is sent whole, whatever the link."""

from dataclasses import dataclass
from typing import ClassVar

from foveate.core import InputError, LookPlan, OffloadPlan, View
from foveate.policies.answering._base import CostModel, FrameState, Fusion


@dataclass(frozen=True, kw_only=True)
class CloudOnly:
    """The whole frame in one picture of one quality; the cloud's answer alone counts."""

    name: ClassVar[str] = "cloud-only"
    offloads: ClassVar[bool] = True
    looks_first: ClassVar[bool] = False
    cost_model: ClassVar[CostModel] = "line"
    confidence: ClassVar[float | None] = None
    fusion: ClassVar[Fusion | None] = None

    quality: int = 90
    """JPEG quality, 1..100."""
    scale: float = 1.0
    """Factor on height and width before it is sent, above 0 and at most 1."""

    def __post_init__(self) -> None:
        if not (1 <= self.quality <= 100 and 0 < self.scale <= 1):
            raise InputError(
                f"cloud-only needs a quality in 1..100 and a scale in (0, 1], got {self.quality} and {self.scale:g}"
            )

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
