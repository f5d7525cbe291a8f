"""device-only: the device's model answers every frame."""

from dataclasses import dataclass
from typing import ClassVar

from foveate.core import LookPlan, OffloadPlan
from foveate.policies.answering._base import CostModel, FrameState, Fusion


@dataclass(frozen=True, kw_only=True)
class DeviceOnly:
    """The whole frame at the device's own size; nothing is sent."""

    name: ClassVar[str] = "device-only"
    offloads: ClassVar[bool] = False
    schedules: ClassVar[bool] = False
    looks_first: ClassVar[bool] = True
    cost_model: ClassVar[CostModel] = "line"
    confidence: ClassVar[float | None] = None
    fusion: ClassVar[Fusion | None] = None

    def look(self, state: FrameState) -> LookPlan:
        """The whole frame."""
        return LookPlan(views=(state.whole_look,))

    def decide(self, state: FrameState) -> OffloadPlan | None:  # noqa: ARG002  # the same for every state
        """Never anything."""
        return None
