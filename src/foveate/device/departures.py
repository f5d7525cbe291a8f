"""Which frame is offloaded next, and when its policy is asked how."""

from foveate.core import Frame, OffloadPlan
from foveate.device.connection import Connection
from foveate.device.events import DecideWork, EncodeWork
from foveate.device.flights import Flights
from foveate.device.following import Following
from foveate.device.outlook import Outlook
from foveate.device.reluctance import Reluctance
from foveate.policies import Overlapping, Policy


class Departures:
    """Always the newest frame, never one twice, and none before the latest result was carried to the present.

    One decision at a time. It is about the frame that is the newest when it is made.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        outlook: Outlook,
        flights: Flights,
        following: Following,
        connection: Connection,
        reluctance: Reluctance,
    ) -> None:
        self._policy = policy
        self._most_in_flight = policy.in_flight if isinstance(policy, Overlapping) else 1
        self._outlook, self._flights, self._following = outlook, flights, following
        self._connection, self._reluctance = connection, reluctance
        self._newest: Frame | None = None
        self._last: Frame | None = None
        self._deciding = False
        self.closed = False
        """Whether the camera ended: no further frame leaves."""

    def capture(self, frame: Frame) -> None:
        """The camera delivered a frame; it becomes the newest."""
        self._newest = frame

    def consider(self) -> list[DecideWork]:
        """Ask for a decision, if there is one to make."""
        if self._deciding or self._next is None:
            return []
        self._deciding = True
        return [DecideWork()]

    def decide(self, now: float) -> list[EncodeWork]:
        """The decision that was asked for is made: ask the policy, unless no frame may leave any more."""
        self._deciding = False
        frame, welcome = self._next, self._connection.welcome
        if frame is None or welcome is None:
            return []
        plan = self._policy.decide(self._outlook.state(frame, welcome, offloaded=self._last))
        return [] if plan is None else [self._start(frame, plan, now)]

    @property
    def _next(self) -> Frame | None:
        """The frame that could be sent now, if any."""
        willing = self._connection.there and self._reluctance.until is None and not self.closed
        free = self._flights.room(self._most_in_flight) and not self._following.catching_up
        return self._newest if willing and free and self._newest is not self._last else None

    def _start(self, frame: Frame, plan: OffloadPlan, now: float) -> EncodeWork:
        self._outlook.offloaded(frame, plan, self._connection.grid(frame))
        flight = self._flights.start(self._flights.started, frame, plan, now)
        self._last = frame
        self._following.awaits(self._flights.frames)
        grid = self._connection.sent_grid(frame, plan)
        return EncodeWork(offload_id=flight.offload_id, frame=frame, grid=grid, plan=plan)
