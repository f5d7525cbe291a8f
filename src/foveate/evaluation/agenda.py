"""Virtual time: what happens when, in an order that depends on nothing but times and the order of booking."""

import heapq
from collections.abc import Callable
from itertools import count


class Agenda:
    """Calls booked for points in time; those of one time in the order in which they were booked."""

    def __init__(self) -> None:
        self.now = 0.0
        """When the last call was made; never runs back."""
        self._booked: list[tuple[float, int, Callable[[float], None]]] = []
        self._number = count()

    def book(self, when: float, call: Callable[[float], None]) -> None:
        """`call(when)` happens at `when`."""
        heapq.heappush(self._booked, (when, next(self._number), call))

    @property
    def next_at(self) -> float | None:
        """When the next call is booked; None if none is."""
        return self._booked[0][0] if self._booked else None

    def run_next(self) -> None:
        """Make the next call."""
        when, _, call = heapq.heappop(self._booked)
        self.now = max(self.now, when)
        call(self.now)

    def advance(self, when: float) -> float:
        """Time passes up to `when`, before which nothing is booked; what the time is now."""
        self.now = max(self.now, when)
        return self.now


class Cores:
    """A few processor cores that take pieces of work in the order in which they come."""

    def __init__(self, count: int) -> None:
        self._free_at = [0.0] * max(count, 1)

    def take(self, now: float, seconds: float) -> float:
        """When a piece of work of `seconds` that comes now is done."""
        start = max(now, heapq.heappop(self._free_at))
        heapq.heappush(self._free_at, start + seconds)
        return start + seconds
