"""elf-like and elf-v: regions predicted from the last answers are sent whole (Zhang et al. 2021, Elf)."""

from dataclasses import dataclass
from typing import ClassVar

from foveate.core import Detections, InputError, LookPlan, OffloadPlan, View
from foveate.policies.answering._base import CostModel, FrameState, Fusion
from foveate.policies.answering.proposals import predicted_boxes, region_views

MOST_MARGIN = 100.0


@dataclass(frozen=True, kw_only=True)
class ElfLike:
    """Regions where objects are expected, at full resolution and one quality, each an image of its own in the cloud.

    Now and then a reduced view of the whole frame goes along, without which nothing new would ever be found (Elf's
    low-resolution compensation). The first frame is sent whole. Deadline and link are not looked at, as in the paper.
    """

    name: ClassVar[str] = "elf-like"
    offloads: ClassVar[bool] = True
    schedules: ClassVar[bool] = False
    looks_first: ClassVar[bool] = False
    cost_model: ClassVar[CostModel] = "line"
    confidence: ClassVar[float | None] = None
    fusion: ClassVar[Fusion | None] = None
    sliced: ClassVar[bool] = False

    quality: int = 90
    """JPEG quality, 1..100."""
    margin: float = 0.5
    """What a box grows by on each side, share of its own side; 0..100."""
    score: float = 0.3
    """Boxes of a lower score make no region, 0..1."""
    overview: float = 0.25
    """Scale of the view of the whole frame, above 0 and at most 1."""
    overview_every: int = 3
    """Each so many-th offload carries it."""

    def __post_init__(self) -> None:
        shares = 0 <= self.score <= 1 and 0 < self.overview <= 1
        if not (1 <= self.quality <= 100 and 0 <= self.margin <= MOST_MARGIN and shares and self.overview_every >= 1):
            raise InputError(
                f"{self.name} needs a quality in 1..100, a margin in 0..{MOST_MARGIN:g}, a score in 0..1, "
                f"an overview in (0, 1] and overview_every of at least 1, got {self}"
            )

    def look(self, state: FrameState) -> LookPlan:
        """The whole frame: what is shown when the cloud is late."""
        return LookPlan(views=(state.whole_look,))

    def decide(self, state: FrameState) -> OffloadPlan:
        """The predicted regions, always."""
        boxes = predicted_boxes(_above(state, self.score), state.frame_index)
        views = region_views(boxes, state.size, margin=self.margin)
        if not views:
            return self._plan(state, [View.whole(state.size)], "nothing known")
        if state.offloads % self.overview_every == 0:
            return self._plan(state, [*views, View.whole(state.size, self.overview)], "regions overview")
        return self._plan(state, views, "regions")

    def _plan(self, state: FrameState, views: list[View], reason: str) -> OffloadPlan:
        slicing = state.slicing if self.sliced else None
        return OffloadPlan(views=tuple(views), jpeg_quality=self.quality, slicing=slicing, reason=reason)


@dataclass(frozen=True, kw_only=True)
class ElfV(ElfLike):
    """The same regions, sliced in the cloud as Hyperion's frames are."""

    name: ClassVar[str] = "elf-v"
    sliced: ClassVar[bool] = True


def _above(state: FrameState, score: float) -> tuple[tuple[int, Detections], ...]:
    return tuple((index, found.above(score)) for index, found in state.answers)
