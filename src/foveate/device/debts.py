"""The frames that are owed an answer: which is looked at next, until when each may wait, and what settles it."""

from collections.abc import Iterator

from foveate.core import Detections, Frame, Look, LookPlan
from foveate.device.answers import Answers
from foveate.device.connection import Connection
from foveate.device.events import LookWork
from foveate.device.expectations import Expectations
from foveate.device.owed import Answered, AnswerRules, Owed

MOST_OWED = 3
"""Frames that a pipelined device works on at once."""


class Debts:
    """One frame, or a few where the device is pipelined, in the order in which they were taken.

    `looks_first`: whether a decision waits for what the device's model sees in the frame. `looks`: whether its model
    looks at every frame.
    """

    def __init__(
        self,
        rules: AnswerRules,
        *,
        looks_first: bool,
        looks: bool,
        answers: Answers,
        expected: Expectations,
        connection: Connection,
    ) -> None:
        self._rules, self._looks_first, self._looks = rules, looks_first, looks
        self._answers, self._expected, self._connection = answers, expected, connection
        self._owed: list[Owed] = []
        self._looking = False
        self.taken = 0
        """How many frames were begun so far; also the number of the next one."""
        self.last_look: Look | None = None
        """What the device's model saw last, in whatever frame."""

    def __len__(self) -> int:
        return len(self._owed)

    def __iter__(self) -> Iterator[Owed]:
        return iter(tuple(self._owed))

    @property
    def room(self) -> bool:
        """Whether another frame may be begun."""
        if not self._looks and not self._connection.there:
            return False  # neither end could answer
        if not self._rules.pipelined:
            return not self._owed
        return len(self) < MOST_OWED and not any(owed.on_device for owed in self)

    @property
    def undecided(self) -> Owed | None:
        """The next frame that a policy can decide about."""
        waiting = (owed for owed in self if not owed.decided and not owed.alone)
        return next((owed for owed in waiting if owed.look is not None or not self._looks_first), None)

    @property
    def wake_at(self) -> float | None:
        """When the device has to answer the next frame alone; None if no frame waits for anything else."""
        times = (self._gives_up_at(owed) for owed in self)
        return min((time for time in times if time is not None), default=None)

    def get(self, number: int | None) -> Owed | None:
        """By its number; None if it has its answer."""
        return next((owed for owed in self if owed.number == number), None)

    def take(self, frame: Frame, look_plan: LookPlan, now: float) -> None:
        """One more."""
        due_at = frame.captured_at + self._rules.deadline_s
        self._owed.append(Owed(number=self.taken, frame=frame, taken_at=now, due_at=due_at, look_plan=look_plan))
        self.taken += 1

    def next_look(self) -> LookWork | None:
        """What the device's model should look at now, if it is free and there is anything to look at."""
        owed = next((owed for owed in self if not owed.asked_to_look), None)
        if self._looking or not self._looks or owed is None:
            return None
        owed.asked_to_look = self._looking = True
        return LookWork(number=owed.number, frame=owed.frame, plan=owed.look_plan)

    def looked(self, number: int, look: Look, now: float) -> None:
        """The work handed out last is done; its frame may have been answered meanwhile."""
        self._looking, self.last_look = False, look
        owed = self.get(number)
        if owed is not None:
            owed.look, owed.looked_at = look, now

    def give_up(self, now: float) -> list[Answered]:
        """Leave to the device what cannot wait any longer; answers to what is late already."""
        answers: list[Answered] = []
        for owed in self:
            given_up_at = self._gives_up_at(owed)
            if given_up_at is not None and given_up_at <= now:
                owed.alone = True
                # At the very deadline what arrives is still in time; after it, it is not.
                answers += self._alone(owed, now) if owed.missed(now) else []
        return answers

    def answer(self, now: float) -> list[Answered]:
        """What can be said by now of frames for which nothing more is waited for, or the device alone."""
        return [answer for owed in self if self._ready(owed) for answer in self._alone(owed, now)]

    def abandon(self, now: float) -> list[Answered]:
        """As `answer`, with every frame left to the device."""
        for owed in self:
            owed.alone = True
        return self.answer(now)

    def offload_ended(self, number: int, cloud: Detections | None, now: float) -> list[Answered]:
        """The offload of a frame ended: with the cloud's result, in time or not, or without one."""
        owed = self.get(number)
        if owed is None:
            return []
        if cloud is None:
            owed.alone, owed.flight = True, None
            return []
        if owed.missed(now):
            # What comes too late is part of no answer, even where the device is still looking.
            return self._settle(owed, self._answers.kept(owed, now)) if self._rules.late == "kept" else []
        owed.cloud = cloud
        return self._alone(owed, now) if self._ready(owed) else []

    def _ready(self, owed: Owed) -> bool:
        """Whether nothing more of the cloud is waited for, nor of the device where both make the answer."""
        both = owed.look is not None or not (self._looks and self._answers.fuses)
        return owed.alone or (owed.cloud is not None and both)

    def _gives_up_at(self, owed: Owed) -> float | None:
        """When the device has to answer alone; None if that is settled, or if the cloud is waited for."""
        if owed.alone or (self._rules.late == "kept" and owed.flight is not None and owed.cloud is None):
            return None
        if owed.look is not None and self._looks_first and not owed.decided:
            # Waiting for the uplink any longer cannot succeed.
            grid = self._connection.grid(owed.frame)
            return owed.due_at - self._rules.spare_s - self._expected.least_s(grid, rtt_s=self._connection.rtt_s)
        return owed.due_at - self._rules.spare_s

    def _alone(self, owed: Owed, now: float) -> list[Answered]:
        """What can be said of one frame without waiting for the cloud, if anything yet."""
        if owed.cloud is not None:
            return self._settle(owed, self._answers.with_cloud(owed, owed.cloud, now))
        if self._rules.late == "kept" and (owed.look is None or owed.missed(now)):
            awaited = self._looks and owed.look is None
            return [] if awaited else self._settle(owed, self._answers.kept(owed, now))
        if owed.look is None:
            return []
        return self._settle(owed, self._answers.by_device(owed, owed.look, now))

    def _settle(self, owed: Owed, answer: Answered) -> list[Answered]:
        self._owed.remove(owed)
        return [answer]
