"""Round-trip time of an idle link, from heartbeats."""

from collections import deque

from foveate.network.messages import Ping

WINDOW = 8
"""Of how many round trips the minimum is taken: a queue somewhere lengthens most, not all."""
SMOOTHING = 0.25
"""Weight of the newest minimum."""


class RoundTrip:
    """The smoothed minimum of recent round trips."""

    def __init__(self) -> None:
        self.seconds: float | None = None
        """Smoothed minimum round trip; None before the first answer."""
        self.number = 0
        """Of the heartbeat sent last; they count from 1."""
        self.answered = True
        """Whether no heartbeat is on its way."""
        self._recent: deque[float] = deque(maxlen=WINDOW)
        self._sent_at = 0.0
        self._counts = False
        self._blocked = self._behind_block = False

    def ping(self, now: float, *, counts: bool) -> Ping:
        """The next heartbeat, sent now; `counts`: the link is idle, so that it measures the round trip."""
        self.number += 1
        self._sent_at, self._counts, self.answered = now, counts and not self._blocked, False
        self._behind_block = self._blocked
        return Ping(number=self.number)

    def blocked(self) -> None:
        """An offload was given up before it was acknowledged: its bytes may still be on the uplink.

        The next heartbeat waits behind them. Its answer tells that the link is idle again, and measures nothing.
        """
        self._blocked = True

    def pong(self, number: int, now: float) -> None:
        """An answer arrived; answers to lost heartbeats do not count."""
        if self.answered or number != self.number:
            return
        self.answered = True
        if self._behind_block:
            self._blocked = False
        if self._counts:
            self._recent.append(now - self._sent_at)
            least = min(self._recent)
            self.seconds = least if self.seconds is None else self.seconds + SMOOTHING * (least - self.seconds)

    def forget(self) -> None:
        """No answer to an earlier heartbeat will come: the connection is new, and nothing waits on it."""
        self.answered, self._blocked = True, False
