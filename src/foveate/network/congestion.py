"""TCP's congestion window: how much may be on its way, and when the next bytes may follow. A model without I/O.

After RFC 5681 (slow start, congestion avoidance), RFC 6928 (ten segments to begin with) and RFC 2861 (a window that
was not used decays), with the constants of Linux: a timeout is the smoothed round trip and 200 ms, and a pause takes
the window back to ten segments, not to one.

Modelled: acknowledgements clock the sender; a window grows only by acknowledgements of bytes that were sent while it
was full; a queue that would overflow halves it. That queue stands behind the sender's own socket, so the sender is
told and waits instead of losing packets. Not modelled: losses, retransmission timeouts and their backoff, delayed
acknowledgements, headers, the receiver's window, the growth of CUBIC or BBR after a congestion.
"""

import math
from collections import deque
from typing import NamedTuple

SEGMENT_BYTES = 1460
"""A full packet of 1500 bytes without its headers."""
INITIAL_BYTES = 10 * SEGMENT_BYTES
"""RFC 6928, section 2."""

_FIRST_TIMEOUT_S = 1.0
"""Before a round trip was measured (RFC 6298, section 2)."""
_TIMEOUT_MARGIN_S = 0.2
"""Linux adds at least this to the smoothed round trip."""
_SMOOTHING = 1 / 8
"""Weight of the newest round trip (RFC 6298, section 2)."""


class _Sent(NamedTuple):
    at: float
    acked_at: float
    last_byte: int


class CongestionWindow:
    """One sender. `now` must not run back over all calls."""

    def __init__(self) -> None:
        self.size_bytes = float(INITIAL_BYTES)
        """cwnd: how many bytes may be unacknowledged."""
        self._threshold = math.inf
        self._travelling = deque[_Sent]()
        self._sent = self._acked = 0
        self._full_to = self._halved_to = 0
        self._round_trip_s: float | None = None
        self._sent_at = self._validated_at = 0.0
        self._used_bytes = 0

    @property
    def in_flight_bytes(self) -> int:
        """Sent and not acknowledged."""
        return self._sent - self._acked

    def opens_at(self, now: float, nbytes: int) -> float:
        """When `nbytes`, at most a segment, may be sent, `now` or later. Takes in the acknowledgements until then."""
        self._take_acks(now)
        if not self._travelling:
            self._decay_idle(now)
        while self._travelling and self.in_flight_bytes + nbytes > self.size_bytes:
            now = self._travelling[0].acked_at
            self._take_acks(now)
        return now

    def sent(self, now: float, nbytes: int, acked_at: float) -> None:
        """`nbytes` leave the socket now and will be acknowledged at `acked_at`, not before those sent earlier."""
        self._sent += nbytes
        self._travelling.append(_Sent(now, acked_at, self._sent))
        if self.size_bytes - self.in_flight_bytes < SEGMENT_BYTES:
            self._full_to = self._sent
            self._validate(now)
        else:
            self._used_bytes = max(self._used_bytes, self.in_flight_bytes)
            self._decay_unused(now)
        self._sent_at = now

    def halve(self) -> bool:
        """A queue would overflow. False if that is known already: once per window (RFC 3168, section 6.1.2)."""
        if self._acked < self._halved_to:
            return False
        self._threshold = self.size_bytes = max(self.in_flight_bytes / 2, 2.0 * SEGMENT_BYTES)
        self._halved_to = self._sent
        return True

    def _take_acks(self, now: float) -> None:
        while self._travelling and self._travelling[0].acked_at <= now:
            sent = self._travelling.popleft()
            nbytes, self._acked = sent.last_byte - self._acked, sent.last_byte
            if sent.last_byte <= self._full_to:
                self._grow(nbytes)
            took = sent.acked_at - sent.at
            before = took if self._round_trip_s is None else self._round_trip_s
            self._round_trip_s = before + _SMOOTHING * (took - before)

    def _grow(self, acked: int) -> None:
        """Slow start up to the threshold, then a segment per window (RFC 5681, equations 2 and 3)."""
        if self.size_bytes < self._threshold:
            self.size_bytes += acked
        else:
            self.size_bytes += SEGMENT_BYTES * acked / self.size_bytes

    @property
    def _timeout_s(self) -> float:
        return _FIRST_TIMEOUT_S if self._round_trip_s is None else self._round_trip_s + _TIMEOUT_MARGIN_S

    def _decay_idle(self, now: float) -> None:
        """Half the window for each timeout in which nothing was sent (RFC 2861, section 3.2)."""
        timeouts = int((now - self._sent_at) / self._timeout_s)
        if timeouts > 0:
            self._shrink(self.size_bytes * 0.5 ** min(timeouts, 60))
            self._validate(now)

    def _decay_unused(self, now: float) -> None:
        """Half of what a timeout left unused (RFC 2861, section 3.2): heartbeats do not keep a window open."""
        if now - self._validated_at >= self._timeout_s:
            self._shrink((self.size_bytes + self._used_bytes) / 2)
            self._validate(now)

    def _validate(self, now: float) -> None:
        self._validated_at, self._used_bytes = now, 0

    def _shrink(self, size: float) -> None:
        self._threshold = max(self._threshold, 0.75 * self.size_bytes)
        self.size_bytes = max(size, min(self.size_bytes, INITIAL_BYTES))
