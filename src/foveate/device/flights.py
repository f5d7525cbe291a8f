"""Offloads on their way: one, or several where the uplink may carry a frame while the server sees another."""

from collections.abc import Iterator

from foveate.core import Frame
from foveate.device.flight import Flight


class Flights:
    """In the order of their frames; each is lost `timeout_s` after its start.

    Only one is encoded or sent at a time: behind another a frame would but grow old, and neither the rate of the link
    nor its round trip could be told.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._flights: dict[int, Flight] = {}
        self._failing = False

    def __len__(self) -> int:
        return len(self._flights)

    def __iter__(self) -> Iterator[Flight]:
        return iter(tuple(self._flights.values()))

    @property
    def leaving(self) -> Flight | None:
        """The one that the server does not hold yet."""
        return next((flight for flight in self if flight.acked_at is None), None)

    @property
    def on_uplink(self) -> Flight | None:
        """The one whose bytes may be on the uplink."""
        return next((flight for flight in self if flight.uplink_busy), None)

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

    def overdue(self, now: float) -> list[Flight]:
        """Those that are lost by now."""
        return [flight for flight in self if self.timeout_of(flight) <= now]

    def start(self, flight: Flight) -> None:
        """One more."""
        self._flights[flight.offload_id] = flight

    def get(self, offload_id: int | None) -> Flight | None:
        """By its id; None if it is not on its way, or not any more."""
        return None if offload_id is None else self._flights.get(offload_id)

    def end(self, flight: Flight, *, landed: bool) -> None:
        """It landed, or was given up."""
        del self._flights[flight.offload_id]
        self._failing = not landed
