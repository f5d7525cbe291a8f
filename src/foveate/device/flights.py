"""Offloads on their way: one, or several where the uplink may carry a frame while the server sees another."""

from collections.abc import Iterator

from foveate.codec import EncodedFrame, EncodedParts
from foveate.core import Frame, OffloadPlan
from foveate.device.connection import Connection
from foveate.device.events import OffloadDone, Send
from foveate.device.flight import Flight
from foveate.device.parcels import offload_message
from foveate.network.messages import Result, encode


class Flights:
    """In the order of their frames, from their start to an `OffloadDone`; each is lost `timeout_s` after its start.

    Only one is encoded or sent at a time: behind another a frame would but grow old, and neither the rate of the link
    nor its round trip could be told.
    """

    def __init__(self, timeout_s: float, connection: Connection) -> None:
        self._timeout_s, self._connection = timeout_s, connection
        self._flights: dict[int, Flight] = {}
        self._failing = False
        self.started = 0
        """How many so far."""

    def __len__(self) -> int:
        return len(self._flights)

    def __iter__(self) -> Iterator[Flight]:
        return iter(tuple(self._flights.values()))

    @property
    def leaving(self) -> Flight | None:
        """The one that the server does not hold yet."""
        return next((flight for flight in self if flight.acked_at is None), None)

    @property
    def idle(self) -> bool:
        """Whether a heartbeat would find the uplink empty of them."""
        return self._on_uplink is None

    @property
    def timeout_at(self) -> float | None:
        """When the next of them is lost; None if none is on its way."""
        return min((self.timeout_of(flight) for flight in self), default=None)

    @property
    def frames(self) -> list[Frame]:
        """The frames that a result may come for."""
        return [flight.frame for flight in self]

    def room(self, most: int) -> bool:
        """Whether another may start where `most` may be on their way: there are fewer, and the server holds them all.

        After a failure there is but one until a result comes: a server that is still busy with what was given up keeps
        one more, and would drop it for the next.
        """
        return len(self) < (1 if self._failing else most) and self.leaving is None

    def timeout_of(self, flight: Flight) -> float:
        """When it is lost."""
        return flight.started_at + self._timeout_s

    def get(self, offload_id: int | None) -> Flight | None:
        """By its id; None if it is not on its way, or not any more."""
        return None if offload_id is None else self._flights.get(offload_id)

    def start(self, offload_id: int, frame: Frame, plan: OffloadPlan, now: float) -> Flight:
        """One more, that is to be encoded now."""
        flight = Flight(offload_id=offload_id, frame=frame, plan=plan, started_at=now)
        self._flights[offload_id] = flight
        self.started += 1
        return flight

    def send(
        self,
        flight: Flight,
        encoded: EncodedFrame | EncodedParts,
        *,
        score_threshold: float,
        now: float,
        waits_until: float | None = None,
    ) -> Send:
        """Its bytes leave now. `waits_until`: when its result is of no use any more; None = when it is lost.

        Raises `ProtocolError` where they are more than a message may hold; the flight has not left then.
        """
        waits_until = self.timeout_of(flight) if waits_until is None else waits_until
        message = offload_message(
            flight,
            encoded,
            grid=self._connection.sent_grid(flight.frame, flight.plan),
            score_threshold=score_threshold,
            patience_s=max(waits_until - now, 0.0),
        )
        payload = encode(message)
        flight.sent_at, flight.payload_bytes = now, encoded.size_bytes
        flight.pings_before = self._connection.contact.round_trip.number
        return Send(payload=payload, offload_id=flight.offload_id)

    def land(self, flight: Flight, result: Result, now: float) -> OffloadDone:
        """Its result arrived. Raises `ProtocolError` on one that cannot be; the flight goes on then."""
        welcome = self._connection.welcome
        assert welcome is not None
        found = flight.in_full_size(result.detections(tuple(welcome.class_names)))
        self._end(flight, landed=True)
        record = flight.landed(result, now, rtt_s=self._connection.rtt_s)
        return OffloadDone(record=record, captured_at=flight.frame.captured_at, result=found)

    def give_up(self, flight: Flight, reason: str, now: float) -> OffloadDone:
        """No result of this one is waited for any more."""
        self._end(flight, landed=False)
        if flight.uplink_busy:
            self._connection.contact.round_trip.blocked()
        record = flight.failed(now, rtt_s=self._connection.rtt_s)
        return OffloadDone(record=record, captured_at=flight.frame.captured_at, result=None, reason=reason)

    def give_up_all(self, reason: str, now: float) -> list[OffloadDone]:
        """No result of any is waited for any more."""
        return [self.give_up(flight, reason, now) for flight in self]

    def give_up_overdue(self, now: float) -> list[OffloadDone]:
        """Those that are lost by now."""
        reason = f"no result within {self._timeout_s:g} s"
        return [self.give_up(flight, reason, now) for flight in self if self.timeout_of(flight) <= now]

    def overtaken(self, ping: int, now: float) -> list[OffloadDone]:
        """A heartbeat came back. Had the server got the frame in front of it, it would have said so before."""
        flight = self._on_uplink
        if flight is None or ping <= flight.pings_before:
            return []
        return [self.give_up(flight, "the frame was lost on its way", now)]

    @property
    def _on_uplink(self) -> Flight | None:
        """The one whose bytes may be on the uplink."""
        return next((flight for flight in self if flight.uplink_busy), None)

    def _end(self, flight: Flight, *, landed: bool) -> None:
        """It is not on its way any more."""
        del self._flights[flight.offload_id]
        self._failing = not landed
