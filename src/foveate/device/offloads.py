"""Offloads of a device that has deadlines, and probes of the uplink between them: sent, landed, given up."""

from foveate.codec import EncodedFrame, EncodedParts
from foveate.core import Frame, Look, OffloadPlan, ProtocolError
from foveate.device.connection import Connection
from foveate.device.events import OffloadDone, Send
from foveate.device.expectations import Expectations
from foveate.device.flight import Flight
from foveate.device.flights import Flights
from foveate.device.owed import AnswerRules
from foveate.device.reluctance import Reluctance
from foveate.device.uplink import Uplink
from foveate.network.messages import Ack, Failure, Result, encode


class Offloads:
    """At most one of them is encoded or on the uplink. Each ends with an `OffloadDone`, whatever becomes of it.

    `probes`: whether an uplink that no offload measures is measured by a probe.
    """

    def __init__(
        self,
        rules: AnswerRules,
        *,
        probes: bool,
        expected: Expectations,
        connection: Connection,
        uplink: Uplink,
        reluctance: Reluctance,
    ) -> None:
        self._rules, self._reluctance = rules, reluctance
        self._expected, self._connection, self._uplink = expected, connection, uplink
        self._flights = Flights(rules.offload_timeout_s, connection)
        self._probes = self._probe_wanted = probes

    def __len__(self) -> int:
        return len(self._flights)

    @property
    def started(self) -> int:
        """How many so far."""
        return self._flights.started

    @property
    def leaving(self) -> Flight | None:
        """The one that the server does not hold yet."""
        return self._flights.leaving

    @property
    def room(self) -> bool:
        """Whether another may start: nothing is in front of it, and the server was not too busy just now."""
        return self.leaving is None and not self._uplink.probing and self._reluctance.until is None

    @property
    def idle(self) -> bool:
        """Whether a heartbeat would find the uplink empty."""
        return self._flights.idle and not self._uplink.probing

    @property
    def wake_at(self) -> float | None:
        """When the next of them is lost, or a wait for a busy server is over; None if neither is awaited."""
        times = (self._flights.timeout_at, self._reluctance.until)
        return min((time for time in times if time is not None), default=None)

    def get(self, offload_id: int) -> Flight | None:
        """By its id; None if it is not on its way, or not any more."""
        return self._flights.get(offload_id)

    def start(self, offload_id: int, frame: Frame, plan: OffloadPlan, now: float) -> Flight:
        """One more, that is to be encoded now."""
        return self._flights.start(offload_id, frame, plan, now)

    def encoded(self, flight: Flight, size_bytes: int, look: Look | None, now: float) -> None:
        """The codec is done with it: what that took is expected of the next ones."""
        grid, took_s = self._connection.grid(flight.frame), now - flight.started_at
        self._expected.encoded(flight.plan, grid, took_s=took_s, size_bytes=size_bytes, look=look)

    def send(self, flight: Flight, encoded: EncodedFrame | EncodedParts, *, due_at: float, now: float) -> Send:
        """Its bytes leave now; `due_at`: when its frame is owed its answer."""
        threshold, waits_until = self._rules.score_threshold, due_at if self._rules.late == "device" else None
        return self._flights.send(flight, encoded, score_threshold=threshold, now=now, waits_until=waits_until)

    def told(self, told: Ack | Result | Failure, now: float) -> list[OffloadDone]:
        """The server says something of an offload; one that is not on its way any more does not matter."""
        flight = self._flights.get(told.offload_id)
        match told:
            case Ack() if flight is not None and flight.uplink_busy:
                flight.acked_at = now
                self._uplink.acknowledged(flight, rtt_s=self._connection.rtt_s)
            case Result() if flight is not None:
                return [self._land(flight, told, now)]
            case Failure(text=text, busy=busy) if flight is not None:
                if busy:
                    self._reluctance.busy(now)
                return [self.give_up(flight, text, now)]
        return []

    def give_up(self, flight: Flight, reason: str, now: float) -> OffloadDone:
        """No result of this one will come."""
        self.want_probe()
        return self._flights.give_up(flight, reason, now)

    def give_up_all(self, reason: str, now: float) -> list[OffloadDone]:
        """No result of any will come."""
        return self._given_up(self._flights.give_up_all(reason, now))

    def give_up_overdue(self, now: float) -> list[OffloadDone]:
        """No result is waited for longer than the rules say, nor a busy server longer than its wait."""
        self._reluctance.over(now)
        return self._given_up(self._flights.give_up_overdue(now))

    def overtaken(self, ping: int, now: float) -> list[OffloadDone]:
        """A heartbeat came back: what was in front of it is lost, a probe as well as an offload."""
        self._uplink.overtaken(ping)
        return self._given_up(self._flights.overtaken(ping, now))

    def welcomed(self) -> None:
        """The server knows this device anew: whatever it was busy with is over."""
        self._reluctance.forget()

    def want_probe(self) -> None:
        """Nothing else will measure the uplink for now."""
        self._probe_wanted = self._probes

    def probe(self, now: float) -> list[Send]:
        """Measure the idle uplink, if that is wanted, once the round trip that belongs to it is known."""
        round_trip = self._connection.contact.round_trip
        free = self._connection.there and not self._flights and not self._uplink.probing
        if not (self._probe_wanted and free) or round_trip.seconds is None:
            return []
        self._probe_wanted = False
        return [Send(payload=encode(self._uplink.probe(now, pings_before=round_trip.number)))]

    def _given_up(self, offloads: list[OffloadDone]) -> list[OffloadDone]:
        """What failed leaves the uplink unmeasured."""
        if offloads:
            self.want_probe()
        return offloads

    def _land(self, flight: Flight, result: Result, now: float) -> OffloadDone:
        """The cloud's result, in time or not; one that cannot be fails its offload."""
        try:
            done = self._flights.land(flight, result, now)
        except ProtocolError as error:
            return self.give_up(flight, str(error), now)
        self._reluctance.landed()
        self._expected.landed(done.record, self._connection.grid(flight.frame))
        return done
