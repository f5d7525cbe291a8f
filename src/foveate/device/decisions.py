"""When the policy of a device that owes answers is asked, about which frame, and what its decision sets off."""

from foveate.core import Frame, LookPlan
from foveate.device.briefing import Briefing
from foveate.device.connection import Connection
from foveate.device.debts import Debts
from foveate.device.events import DecideWork, EncodeWork
from foveate.device.offloads import Offloads
from foveate.device.owed import AnswerRules, Owed
from foveate.policies.answering import AnswerPolicy


class Decisions:
    """One at a time, each when the uplink has room for what it may send."""

    def __init__(
        self,
        policy: AnswerPolicy,
        rules: AnswerRules,
        *,
        briefing: Briefing,
        debts: Debts,
        offloads: Offloads,
        connection: Connection,
    ) -> None:
        self._policy, self._pipelined, self._briefing = policy, rules.pipelined, briefing
        self._debts, self._offloads, self._connection = debts, offloads, connection
        self._deciding: int | None = None

    @property
    def pending(self) -> bool:
        """Whether a decision was asked for that was not made yet."""
        return self._deciding is not None

    def look_plan(self, frame: Frame, now: float) -> LookPlan:
        """What the device's model is to look at in the next frame."""
        state = self._briefing.state(frame, taken=self._debts.taken, offloads=self._offloads.started, now=now)
        return self._policy.look(state)

    def consider(self, now: float) -> list[DecideWork]:
        """Ask for the next decision, or leave a frame to the device."""
        owed = self._debts.undecided
        if owed is None or self.pending:
            return []
        if self._policy.offloads and self._connection.there and self._offloads.room:
            owed.decided, self._deciding = True, owed.number
            return [DecideWork()]
        owed.alone = self._policy.looks_first and not self._worth_waiting(now)
        return []

    def decide(self, now: float) -> list[EncodeWork]:
        """Ask the policy, unless the device answers that frame by now."""
        owed, self._deciding = self._debts.get(self._deciding), None
        return [] if owed is None or owed.alone else self._decide(owed, now)

    def _decide(self, owed: Owed, now: float) -> list[EncodeWork]:
        offloads = self._offloads.started
        owed.decided_by = look = owed.look or self._debts.last_look
        state = self._briefing.state(owed.frame, taken=owed.number, offloads=offloads, look=look, now=now)
        plan, owed.classes = self._policy.decide(state), state.classes
        if plan is None:
            owed.alone = True
            return []
        owed.plan, owed.budget_bytes = plan, state.budget_bytes(plan)
        owed.flight = self._offloads.start(owed.number, owed.frame, plan, now)
        grid = self._connection.grid(owed.frame)
        return [EncodeWork(offload_id=owed.number, frame=owed.frame, grid=grid, plan=plan)]

    def _worth_waiting(self, now: float) -> bool:
        """Whether what is on the uplink is expected to leave it in time: a pipelined frame waits for that."""
        flight = self._offloads.leaving
        ahead = None if flight is None else self._debts.get(flight.offload_id)
        return self._pipelined and ahead is not None and ahead.due_at > now
