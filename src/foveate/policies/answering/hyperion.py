"""Hyperion: a quality for each class of patches, by knapsack under the deadline (Hyperion, section III)."""

from dataclasses import dataclass
from typing import ClassVar

from foveate.core import (
    IMPORTANCE_CLASSES,
    ImportanceLayers,
    ImportanceScale,
    ImportanceSource,
    ImportanceWish,
    InputError,
    LookPlan,
    OffloadPlan,
)
from foveate.policies.answering._base import CostModel, FrameState, Fusion
from foveate.policies.knapsack import KIB, best_choice, whole_kib


@dataclass(frozen=True, kw_only=True)
class Hyperion:
    """The device's model says which patches matter; what fits into the deadline is sent, else the device answers.

    Ablations of the paper's section IV-C: V1 `refine=false`, V2 `fixed=30/50/90` (any three qualities), V3
    `ensemble=false`.
    """

    name: ClassVar[str] = "hyperion"
    offloads: ClassVar[bool] = True
    schedules: ClassVar[bool] = True

    refine: bool = True
    """Whether patches that the device's model is sure of go to the lowest class."""
    threshold: float = 0.5
    """Score from which the device's model is sure, 0..1."""
    fixed: str = ""
    """Qualities of the classes, from the least important one, as `30/50/90`; empty = the scheduler chooses."""
    ensemble: bool = True
    """Whether both results make the answer; else the cloud's alone where it came."""
    importance: ImportanceSource = "attention"
    """What makes patches important: `attention`, as in the paper, or `boxes` that the device's model suspects."""
    layers: ImportanceLayers = "last"
    """Whose attention makes patches important: `last`, as in the paper, `first` or `all` of the global blocks."""
    breaks: ImportanceScale = "linear"
    """Natural breaks of importance as it is, as in the paper, or of its logarithm (`log`)."""
    costs: CostModel = "line"
    """How bytes and accuracy are expected: by the paper's equations 3 and 4, or by a table for each class."""
    device_weight: float = 0.4
    """Of the device's boxes in the ensemble, 0..1; the cloud's have the rest."""
    tolerance: float = 0.0
    """Expected accuracy that is given up for fewer bytes, 0..1: the rest of a budget buys little, and makes late."""
    ahead: bool = False
    """Whether a frame leaves at once, by the classes of the last look, and the device looks at it meanwhile; else the
    device looks first, as in the paper."""

    def __post_init__(self) -> None:
        shares = (self.threshold, self.device_weight, self.tolerance)
        if not all(0 <= share <= 1 for share in shares):
            raise InputError(f"threshold, device_weight and tolerance must lie in 0..1, got {shares}")
        fixed_qualities(self.fixed)

    @property
    def looks_first(self) -> bool:
        """Unless it goes ahead."""
        return not self.ahead

    @property
    def cost_model(self) -> CostModel:
        """Of the scheduler."""
        return self.costs

    @property
    def confidence(self) -> float | None:
        """Of the refinement."""
        return self.threshold if self.refine else None

    @property
    def fusion(self) -> Fusion | None:
        """Of the ensemble."""
        return Fusion(device=self.device_weight, cloud=1 - self.device_weight) if self.ensemble else None

    @property
    def importance_wish(self) -> ImportanceWish:
        """Of every look."""
        return ImportanceWish(source=self.importance, layers=self.layers, scale=self.breaks)

    def look(self, state: FrameState) -> LookPlan:
        """The whole frame, with the importance of its patches."""
        return LookPlan(views=(state.whole_look,), importance=self.importance_wish)

    def decide(self, state: FrameState) -> OffloadPlan | None:
        """The qualities of greatest expected accuracy that fit; None if none do, or if the link is unknown."""
        if state.classes is None:
            return None
        fixed = fixed_qualities(self.fixed)
        if fixed:
            return _plan(state, fixed, "fixed")
        chosen = chosen_qualities(state, tolerance=self.tolerance)
        return None if chosen is None else _plan(state, chosen, "scheduled")


def chosen_qualities(state: FrameState, *, tolerance: float = 0.0) -> tuple[int, ...] | None:
    """Algorithm 1: sizes in whole KiB, budget rounded down; None if nothing fits or nothing is known.

    `tolerance`: expected accuracy that is given up for fewer bytes.
    """
    costs = state.costs
    if costs is None:
        return None
    lowest = _plan(state, (costs.qualities[0],) * len(costs.size_bytes), "")
    budget = state.budget_bytes(lowest)  # time in the cloud is the same whatever the qualities
    if budget is None or budget <= costs.least_bytes:
        return None
    room = int((budget - costs.fixed_bytes) // KIB)
    if room < 0:
        return None
    columns = best_choice(costs.accuracy, whole_kib(costs.size_bytes), room, tolerance=tolerance)
    return None if columns is None else tuple(costs.qualities[column] for column in columns)


def fixed_qualities(text: str) -> tuple[int, ...]:
    """`30/50/90` -> (30, 50, 90); empty -> (). Raises `InputError` on anything but one quality for each class."""
    if not text:
        return ()
    words = text.split("/")
    if len(words) != IMPORTANCE_CLASSES or not all(w.isdecimal() and 1 <= int(w) <= 100 for w in words):
        raise InputError(f"fixed qualities are {IMPORTANCE_CLASSES} numbers in 1..100, as 30/50/90, got {text!r}")
    return tuple(int(word) for word in words)


def _plan(state: FrameState, qualities: tuple[int, ...], reason: str) -> OffloadPlan:
    return OffloadPlan(
        importance_class=state.classes,
        class_qualities=qualities,
        jpeg_quality=max(qualities),
        slicing=state.slicing,
        expected_bytes=None if state.costs is None else state.costs.expected_bytes(qualities),
        reason=reason,
    )
