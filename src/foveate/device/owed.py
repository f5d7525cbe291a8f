"""A frame that an answer is owed for, and the answer."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from foveate.core import ClassMap, Detections, Frame, InputError, Look, LookPlan, OffloadPlan, View, class_shares
from foveate.device.flight import Flight
from foveate.network.messages import MAX_PROBE_BYTES
from foveate.policies.answering import AnswerPolicy

MadeOf = Literal["both", "cloud", "device", "kept", "nothing"]
"""What an answer is: both results in one, either alone, the last valid answer once more, or empty for want of one."""
Late = Literal["device", "kept"]
INSTANT_S = 1e-9
"""An answer at the very deadline is in time, whatever rounding makes of it."""
LONGEST_S = 86_400.0
"""Of a deadline; a day is as good as for ever, and no timer takes much more."""


@dataclass(frozen=True, kw_only=True)
class AnswerRules:
    """What is owed for a frame, and when. Raises `InputError` on spans that are not above 0, or endless."""

    deadline_s: float = 0.4
    """T_max: from the capture of a frame to its answer."""
    late: Late = "device"
    """At the deadline `device` answers with the device's result; with `kept`, the paper's metric, the last valid answer
    stays and the frame waits for the cloud."""
    guard_s: float = 0.01
    """So long before the deadline the device answers: the shell needs a moment to come round."""
    pipelined: bool = False
    """Whether the device takes the next frame while the last one is on its way."""
    score_threshold: float = 0.05
    """Cloud boxes of a lower score are not sent back; low, for average precision reads all of them."""
    probe_bytes: int = 16 * 1024
    """Size of the first probe of the uplink; later ones grow until they tell its rate from the round trip."""
    offload_timeout_s: float = 5.0
    """An offload without a result by then is lost."""

    @property
    def spare_s(self) -> float:
        """So long before the deadline a result of the cloud comes too late already."""
        return self.guard_s if self.late == "device" else 0.0

    def looks(self, policy: AnswerPolicy) -> bool:
        """Whether the device's model looks at every frame: to decide, for the ensemble, or to answer late frames."""
        return policy.looks_first or policy.schedules or policy.fusion is not None or self.late == "device"

    def __post_init__(self) -> None:
        if not all(0 < span <= LONGEST_S for span in (self.deadline_s, self.offload_timeout_s)):
            raise InputError(
                f"deadline and timeout must be above 0 and at most {LONGEST_S:g} s, "
                f"got {self.deadline_s:g} and {self.offload_timeout_s:g} s"
            )
        if not 1 <= self.probe_bytes <= MAX_PROBE_BYTES:
            raise InputError(f"probe_bytes must lie in 1..{MAX_PROBE_BYTES}, got {self.probe_bytes}")
        if not 0 <= self.guard_s < self.deadline_s:
            raise InputError(f"guard_s must be 0 or more and less than the deadline, got {self.guard_s:g}")
        if self.late not in ("device", "kept") or not 0 <= self.score_threshold <= 1:
            raise InputError(f"late is device or kept, score_threshold lies in 0..1, got {self}")


@dataclass(kw_only=True, eq=False)
class Owed:
    """A frame on its way to an answer. Points in time are of the device's clock."""

    number: int
    """Counts frames that were taken; also names the offload."""
    frame: Frame
    taken_at: float
    due_at: float
    look_plan: LookPlan
    look: Look | None = None
    looked_at: float | None = None
    asked_to_look: bool = False
    decided_by: Look | None = None
    """The look that its plan was made by: its own, or an earlier frame's."""
    cloud: Detections | None = None
    """The cloud's result, where it waits for the device's."""
    decided: bool = False
    alone: bool = False
    """Whether the device alone will answer, as soon as it can."""
    plan: OffloadPlan | None = None
    classes: ClassMap | None = None
    budget_bytes: float | None = None
    flight: Flight | None = None

    @property
    def on_device(self) -> bool:
        """Whether the device still has work with it before it could leave."""
        return self.flight is None or self.flight.sent_at is None

    def missed(self, now: float) -> bool:
        """Whether its deadline is over."""
        return now > self.due_at + INSTANT_S

    def answered(self, detections: Detections, *, made_of: MadeOf, valid: bool, now: float) -> "Answered":
        """The answer that is given now."""
        return Answered(
            number=self.number,
            frame=self.frame,
            answered_at=now,
            detections=detections,
            made_of=made_of,
            valid=valid,
            taken_at=self.taken_at,
            looked_at=self.looked_at,
            plan=self.plan,
            payload_bytes=0 if self.flight is None else self.flight.payload_bytes,
            expected_bytes=None if self.plan is None else self.plan.expected_bytes,
            budget_bytes=self.budget_bytes,
            class_shares=None if self.classes is None else class_shares(self.classes),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Answered:
    """A frame has its answer."""

    number: int
    """Counts frames that were taken, from 0."""
    frame: Frame
    answered_at: float
    detections: Detections
    made_of: MadeOf
    valid: bool
    """Whether it came by the deadline, and was made of this very frame."""
    taken_at: float
    """When the device began with the frame."""
    looked_at: float | None
    """When the device's model was done; None if it was not."""
    plan: OffloadPlan | None
    """What was sent of it, if anything."""
    payload_bytes: int
    """Of what was sent, 0 if nothing left."""
    expected_bytes: float | None
    """What the plan was expected to take; None where nobody asked."""
    budget_bytes: float | None
    """What would have been in time; None where the link was unknown or nothing was decided."""
    class_shares: NDArray[np.float64] | None = field(default=None)
    """p_c, after refinement; None without classes."""

    @property
    def latency_s(self) -> float:
        """From the capture of the frame to its answer."""
        return self.answered_at - self.frame.captured_at


def inside(found: Detections, views: tuple[View, ...]) -> Detections:
    """Objects whose centre lies in one of the views."""
    x, y = ((found.boxes[:, axis] + found.boxes[:, axis + 2]) / 2 for axis in (0, 1))
    held = np.zeros(len(found), np.bool_)
    for view in views:
        held |= (x >= view.left) & (x < view.right) & (y >= view.top) & (y < view.bottom)
    return found.select(held)
