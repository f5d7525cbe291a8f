"""What a policy is told of a frame that is owed an answer."""

from functools import partial

from foveate.core import ClassMap, Frame, Look
from foveate.device.answers import Answers
from foveate.device.connection import Connection
from foveate.device.expectations import Expectations
from foveate.device.owed import AnswerRules
from foveate.device.uplink import Uplink
from foveate.estimators import refine_classes
from foveate.policies.answering import AnswerPolicy, FrameState


class Briefing:
    """Gathers what is known of answers, link and costs at the moment of a decision."""

    def __init__(
        self,
        policy: AnswerPolicy,
        rules: AnswerRules,
        frame_interval_s: float,
        *,
        answers: Answers,
        expected: Expectations,
        connection: Connection,
        uplink: Uplink,
    ) -> None:
        self._confidence = policy.confidence
        self._deadline_s, self._interval_s = rules.deadline_s, frame_interval_s
        self._cloud_deadline_s = rules.deadline_s - rules.spare_s
        self._answers, self._expected = answers, expected
        self._connection, self._uplink = connection, uplink

    def state(self, frame: Frame, *, taken: int, offloads: int, now: float, look: Look | None = None) -> FrameState:
        """Of a frame before which `taken` were begun and `offloads` offloaded; without `look`, before the device looks.

        `now` is when the policy decides: the budget of bytes counts from there.
        """
        grid, times = self._connection.grid(frame), self._expected.times
        classes = None if look is None else self._classes(look)
        return FrameState(
            grid=grid,
            frame_index=frame.index,
            frame_interval_s=self._interval_s,
            deadline_s=self._deadline_s,
            look_scale=times.look_scale,
            look_s=times.look_s,
            slicing=times.slicing,
            answers=self._answers.latest,
            taken=taken,
            offloads=offloads,
            look=look,
            classes=classes,
            costs=self._expected.costs(classes, look),
            budget_bytes=partial(
                self._expected.budget_bytes,
                frame,
                grid,
                now=now,
                deadline_s=self._cloud_deadline_s,
                rate_bps=self._uplink.rate_bps,
                rtt_s=self._connection.rtt_s,
            ),
        )

    def _classes(self, look: Look) -> ClassMap | None:
        """Refined where the policy wants it."""
        if look.importance_class is None or self._confidence is None:
            return look.importance_class
        return refine_classes(look.importance_class, look.detections, confidence=self._confidence)
