"""Clocks. Sessions never read one: their shells pass `now`."""

import time
from typing import Protocol


class Clock(Protocol):
    """Something that tells the time in seconds and never runs backward."""

    def now(self) -> float:
        """Seconds since an arbitrary start."""
        ...


class MonotonicClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        """Seconds since an arbitrary start."""
        return time.monotonic()


class ManualClock:
    """A clock that stands still until told to move; simulations and tests run on it."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def now(self) -> float:
        """Seconds since the start."""
        return self._now

    def advance_to(self, when: float) -> None:
        """Jump to `when`; a time in the past leaves the clock where it is."""
        self._now = max(self._now, when)
