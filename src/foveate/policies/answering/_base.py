"""The contract of policies that answer single frames by a deadline, with a model on the device and one in the cloud."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from foveate.core import ClassMap, Detections, ImportanceWish, Look, LookPlan, OffloadPlan, RegionGrid, Slicing, View

CostModel = Literal["line", "table"]
"""Equations 3 and 4, or tables by class and quality."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassCosts:
    """What each quality of each class is expected to cost and to be worth in the frame at hand."""

    qualities: tuple[int, ...]
    """Of the columns."""
    size_bytes: NDArray[np.float64]
    """`(classes, qualities)`."""
    accuracy: NDArray[np.float64]
    """`(classes, qualities)`: w_c q_c of equation 4."""
    fixed_bytes: float = 0.0
    """Bytes that are sent whatever the qualities; may be negative, as equation 3's intercept is."""
    least_bytes: float = 0.0
    """No plan takes less, whatever a line says that lies below 0 at its end."""

    def expected_bytes(self, chosen: tuple[int, ...]) -> float | None:
        """Of a frame at the `chosen` qualities, one per class; None where one is no column."""
        if not set(chosen) <= set(self.qualities):
            return None
        columns = [self.qualities.index(quality) for quality in chosen]
        stated = float(self.size_bytes[np.arange(len(columns)), columns].sum() + self.fixed_bytes)
        return max(stated, self.least_bytes)


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameState:
    """What a device knows about a frame that it owes an answer for."""

    grid: RegionGrid
    """Decision regions of the frame."""
    frame_index: int
    frame_interval_s: float = 1 / 30
    """Seconds between frames of the camera."""
    deadline_s: float
    """T_max: from the capture of a frame to its answer."""
    look_scale: float = 0.5
    """Scale at which the device's model sees a whole frame."""
    look_s: float = 0.15
    """How long that takes."""
    slicing: Slicing
    """How the cloud cuts frames."""
    answers: tuple[tuple[int, Detections], ...] = ()
    """Latest answers with the index of their frames, the newest last; boxes in pixels of the frame."""
    taken: int = 0
    """How many frames were begun before this one."""
    offloads: int = 0
    """How many frames were offloaded so far."""
    look: Look | None = None
    """What the device's model saw in this frame, or last in another where the policy does not wait for it; None before
    it has looked."""
    classes: ClassMap | None = None
    """Importance class of each patch in that look, refined where the policy wants it; None without a look."""
    costs: ClassCosts | None = None
    """None without classes, or without a profile of content."""
    budget_bytes: Callable[[OffloadPlan], float | None] = lambda _: None
    """How many bytes may leave for a plan so that its answer comes by the deadline, at least 0; None while nothing is
    known of the link."""

    @property
    def size(self) -> tuple[int, int]:
        """`(height, width)` of the frame, pixels."""
        return self.grid.height, self.grid.width

    @property
    def whole_look(self) -> View:
        """The whole frame, as the device's model sees it."""
        return View.whole(self.size, self.look_scale)


@dataclass(frozen=True, kw_only=True)
class Fusion:
    """Weights of both results in one answer (equation 6)."""

    device: float = 0.4
    cloud: float = 0.6


class AnswerPolicy(Protocol):
    """Decides what the device's model looks at and what is sent. Frozen, keyword-only and pure, as `Policy`."""

    name: ClassVar[str]
    """What users call it."""
    offloads: ClassVar[bool]
    """Whether it ever sends a frame."""
    schedules: ClassVar[bool]
    """Whether `decide` weighs classes and their costs against a budget: it needs looks, a profile, and the uplink's
    rate, for which the device sends probes."""

    @property
    def looks_first(self) -> bool:
        """Whether `decide` waits for what the device's model sees in the frame at hand."""
        ...

    @property
    def cost_model(self) -> CostModel:
        """How bytes and accuracy of classes are expected."""
        ...

    @property
    def confidence(self) -> float | None:
        """Patches in device boxes of at least this score become class 0; None: classes stay as they are."""
        ...

    @property
    def fusion(self) -> Fusion | None:
        """How an answer is made of both results; None: the cloud's alone."""
        ...

    def look(self, state: FrameState) -> LookPlan:
        """What the device's model looks at; where `looks_first` is false, while the frame is on its way."""
        ...

    def decide(self, state: FrameState) -> OffloadPlan | None:
        """What is sent; None: the device's result is the answer."""
        ...


@runtime_checkable
class Classing(Protocol):
    """A policy that weighs classes of patches, and says how they are made."""

    @property
    def importance_wish(self) -> ImportanceWish:
        """Of every look; the profile of what classes cost must be of such ones."""
        ...
