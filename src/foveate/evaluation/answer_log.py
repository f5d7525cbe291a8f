"""What a run of answered frames has given and shown so far, without the pixels."""

from dataclasses import dataclass, field

from foveate.core import Detections
from foveate.device import Answered
from foveate.device.owed import MadeOf
from foveate.evaluation.live_log import LiveLog


@dataclass(frozen=True, kw_only=True, eq=False)
class Given:
    """One answer."""

    frame: int
    """Index of its frame in the stream."""
    captured_at: float
    answered_at: float
    look_s: float | None
    """From the capture to the end of the look; None where the device's model did not see the frame in time."""
    detections: Detections
    made_of: MadeOf
    valid: bool
    payload_bytes: int
    expected_bytes: float | None
    budget_bytes: float | None
    qualities: tuple[int, ...]
    """Of the classes; empty where the frame was not sent by classes."""
    pictures: int
    """How many views were sent."""
    class_shares: tuple[float, ...]
    """p_c; empty without classes."""
    reason: str
    """Of the plan; empty where nothing was sent."""

    @classmethod
    def of(cls, answer: Answered) -> "Given":
        """All but the pixels."""
        plan = answer.plan
        looked = answer.looked_at
        return cls(
            frame=answer.frame.index,
            captured_at=answer.frame.captured_at,
            answered_at=answer.answered_at,
            look_s=None if looked is None else looked - answer.frame.captured_at,
            detections=answer.detections,
            made_of=answer.made_of,
            valid=answer.valid,
            payload_bytes=answer.payload_bytes,
            expected_bytes=answer.expected_bytes,
            budget_bytes=answer.budget_bytes,
            qualities=() if plan is None else plan.class_qualities,
            pictures=0 if plan is None else len(plan.views),
            class_shares=() if answer.class_shares is None else tuple(answer.class_shares.tolist()),
            reason="" if plan is None else plan.reason,
        )

    @property
    def latency_s(self) -> float:
        """From the capture to the answer."""
        return self.answered_at - self.captured_at


@dataclass(kw_only=True)
class AnswerLog(LiveLog):
    """Grows while the run goes on; what is displayed and offloaded is `LiveLog`'s."""

    answers: list[Given] = field(default_factory=list)
    """In the order in which they were given."""
    probe_bytes: int = 0
    """Sum of all probes of the uplink."""
    computed: int = 0
    """How many looks and inferences no earlier simulation had made."""

    def answered(self, event: Answered) -> None:
        """Keep all but the pixels."""
        self.answers.append(Given.of(event))
