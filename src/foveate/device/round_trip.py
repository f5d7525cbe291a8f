"""Round-trip time of an idle link, from heartbeats."""

from collections import deque

from foveate.network.messages import Ping

PERIOD_S = 0.25
"""Between heartbeats."""
PATIENCE_S = 5.0
"""A heartbeat not answered by then is lost."""
WINDOW = 8
"""Of how many round trips the minimum is taken: a queue somewhere lengthens most, not all."""
SMOOTHING = 0.25
"""Weight of the newest minimum."""


class RoundTrip:
    """Sends heartbeats while the link is idle; the estimate is the smoothed minimum of recent round trips."""

    def __init__(self) -> None:
        self.seconds: float | None = None
        """Smoothed minimum round trip; None before the first answer."""
        self._recent: deque[float] = deque(maxlen=WINDOW)
        self._number = 0
        self._sent_at: float | None = None
        self._open = False
        self._blocked = self._behind_block = False

    @property
    def due_at(self) -> float:
        """When the next heartbeat should be sent, if the link is idle then."""
        if self._sent_at is None:
            return 0.0
        return self._sent_at + (PATIENCE_S if self._open else PERIOD_S)

    def ping(self, now: float) -> Ping:
        """The next heartbeat, sent now."""
        self._number += 1
        self._sent_at, self._open = now, True
        self._behind_block = self._blocked
        return Ping(number=self._number)

    def blocked(self) -> None:
        """An offload was given up before it was acknowledged: its bytes may still be on the uplink.

        The next heartbeat waits behind them. Its answer tells that the link is idle again, and measures nothing.
        """
        self._blocked = True

    def pong(self, number: int, now: float) -> None:
        """An answer arrived; answers to lost heartbeats do not count."""
        if not self._open or self._sent_at is None or number != self._number:
            return
        self._open = False
        if self._behind_block:
            self._blocked = False
            return
        self._recent.append(now - self._sent_at)
        least = min(self._recent)
        self.seconds = least if self.seconds is None else self.seconds + SMOOTHING * (least - self.seconds)
