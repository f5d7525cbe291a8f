"""How long to wait before the next try: twice as long after each failure, up to a limit, and never in step.

A server that comes back finds all its devices waiting; the random part keeps them from calling in one instant.
"""

import random

FIRST_S = 0.1
"""The longest wait after the first failure."""
UNREACHABLE_S = 1.0
"""The longest wait for a server that is not there: it is to be used within two seconds of its return."""
REFUSED_S = 30.0
"""The longest wait after a server that is there and refuses: somebody has to change something first."""


class Backoff:
    """Waits for one device; the same seed gives the same waits."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311  # spreads load, hides nothing
        self._failures = 0

    def next_s(self, *, refused: bool) -> float:
        """The wait after a failure, seconds: between half of the longest and the longest."""
        longest = min(FIRST_S * 2.0**self._failures, REFUSED_S if refused else UNREACHABLE_S)
        self._failures = min(self._failures + 1, 16)
        return longest * self._random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """It worked: a connection held, or a frame was taken."""
        self._failures = 0

    def apart(self) -> "Backoff":
        """Waits for something else of the same device: the random source is shared, failures are counted apart."""
        other = Backoff()
        other._random = self._random
        return other
