"""Whether the server is there: greetings, heartbeats, and what silence means.

A device greets until it is welcomed, and again whenever the server has forgotten it. Heartbeats go over an idle link;
after a second without a word they go over a busy one too, for a server that was started again meanwhile can only be
found by asking. A link that is slow and a link that is cut look the same from here until the offload times out. A
connection that the transport calls ended is made anew after a wait that grows with each failure.
"""

from foveate.device.backoff import Backoff
from foveate.device.round_trip import RoundTrip
from foveate.network.messages import Hello, Ping

PERIOD_S = 0.25
"""Between answered heartbeats of an idle link."""
RETRY_S = 0.5
"""Between questions that nobody answers."""
SILENCE_S = 1.0
"""So long without a word, and heartbeats go over a busy link as well."""
LOST_S = 2.0
"""So long without a word while no offload is on its way, and the connection is given up."""
REDIAL_S = 4.0
"""Between new connections while nothing is heard: several round trips of the slowest link."""


class Contact:
    """Tells when to ask for the server and when to connect anew. `model`: what is asked for; empty = any."""

    def __init__(self, model: str = "", backoff: Backoff | None = None) -> None:
        self._model = model
        self._backoff = Backoff() if backoff is None else backoff
        self._retry_at: float | None = None
        self.welcomed = False
        """Whether the server knows this device."""
        self.round_trip = RoundTrip()
        """Of the idle link."""
        self._heard_at = self._asked_at = self._dialled_at = float("-inf")
        self._started = False

    def ask_at(self, *, idle: bool) -> float | None:
        """When the next greeting or heartbeat is due; `idle`: no frame is on the uplink. None without a connection."""
        if not self._started or self._retry_at is not None:
            return None
        if not self.welcomed:
            return self._asked_at + RETRY_S
        if idle and self.round_trip.answered:
            return self._asked_at + PERIOD_S
        return max(self._heard_at + SILENCE_S, self._asked_at + RETRY_S)

    def redial_at(self, *, waiting: bool) -> float | None:
        """When the connection is to be made anew; `waiting`: an offload is on its way, and its timeout decides."""
        if not self._started or (self.welcomed and waiting):
            return None
        if self._retry_at is not None:
            return self._retry_at
        if self.welcomed:
            return self._heard_at + LOST_S
        return max(self._heard_at, self._dialled_at) + REDIAL_S

    def greet(self, now: float) -> Hello:
        """The device introduces itself, now."""
        if not self._started:
            self._started, self._dialled_at = True, now
        self.welcomed, self._asked_at = False, now
        return Hello(model=self._model)

    def dialled(self, now: float) -> None:
        """The connection is new from now on."""
        self._dialled_at, self._retry_at = now, None

    def ended(self, now: float, *, refused: bool) -> None:
        """The connection is no more; `refused`: the server ended it before it said a word."""
        self.welcomed = False
        self._retry_at = now + self._backoff.next_s(refused=refused)

    def heard(self, now: float) -> None:
        """Something arrived from the server."""
        self._heard_at = now

    def welcome(self) -> None:
        """The server answered a greeting; a first heartbeat is due at once."""
        self._started = self.welcomed = True
        self._retry_at = None
        self._backoff.reset()
        self._asked_at = float("-inf")
        self.round_trip.forget()

    def ping(self, now: float, *, idle: bool) -> Ping:
        """A heartbeat, sent now; over a busy link it measures nothing."""
        self._asked_at = now
        return self.round_trip.ping(now, counts=idle)
