"""A link that follows a trace: what is sent now arrives when? A model without I/O, for relay and simulator.

First in, first out. Bytes leave at the trace's rate, spread evenly over each of its steps; then every byte travels
for half of the round-trip time that holds at its departure, and never overtakes an earlier one. The downlink has
no rate: replies only travel.
"""

import math

from foveate.core import InputError
from foveate.network.trace import UplinkTrace

QUEUE_BYTES = 256 * 1024
"""How many bytes may wait in front of the link before a sender is held back."""

_MTU_BYTES = 1500
_LARGEST_PIECE_BYTES = 8192
_PIECE_S = 0.002


class Link:
    """One direction that is shaped and one that only delays. `now` is the caller's clock, and must not run back."""

    def __init__(self, trace: UplinkTrace, *, started_at: float = 0.0) -> None:
        self.trace = trace
        """Capacity and round trips."""
        self.started_at = started_at
        """When the trace's clock read 0, seconds of the caller's clock."""
        self.idle_at = started_at
        """When the last byte sent so far has left, or will have."""
        self._uplink_arrival = self._downlink_arrival = started_at

    def send(self, now: float, nbytes: int) -> float:
        """Put `nbytes` on the uplink; when the last of them arrives. Raises `InputError` if `nbytes` < 0.

        More than the queue holds may be sent at once: the rest then waits in the sender, which delays nothing.
        """
        if nbytes < 0:
            raise InputError(f"a message has at least 0 bytes, got {nbytes}")
        # In pieces, because the round-trip time may fall while a long message leaves: what left in slow times
        # then holds back the rest.
        for sent in range(0, max(nbytes, 1), _LARGEST_PIECE_BYTES):
            self._depart(now, min(nbytes - sent, _LARGEST_PIECE_BYTES))
        return self._uplink_arrival

    def reply(self, now: float) -> float:
        """When something that leaves the server now reaches the device."""
        self._downlink_arrival = max(self._downlink_arrival, now + self._half_rtt(now))
        return self._downlink_arrival

    def queued_bytes(self, now: float) -> int:
        """How many of the bytes sent have not left yet, a started one counted whole."""
        if self.idle_at <= now:
            return 0
        bits = self.trace.bits_between(now - self.started_at, self.idle_at - self.started_at)
        return math.ceil(bits / 8 - 1e-3)

    def room_bytes(self, now: float) -> int:
        """How many more bytes the queue takes now."""
        return max(0, QUEUE_BYTES - self.queued_bytes(now))

    def room_at(self, now: float, nbytes: int) -> float:
        """When the queue will have room for `nbytes` (at most its length), if nothing else is sent until then."""
        excess = self.queued_bytes(now) + min(nbytes, QUEUE_BYTES) - QUEUE_BYTES
        return self.trace.finish_at(now - self.started_at, excess) + self.started_at

    def piece_bytes(self, now: float) -> int:
        """How many bytes to move at a time: about 2 ms of the present rate, from one packet to 8 KiB."""
        bits = self.trace.rate_at(max(0.0, now - self.started_at)) * _PIECE_S
        return min(max(int(bits / 8), _MTU_BYTES), _LARGEST_PIECE_BYTES)

    def _depart(self, now: float, nbytes: int) -> None:
        starts = max(now, self.idle_at) - self.started_at
        self.idle_at = self.trace.finish_at(starts, nbytes) + self.started_at
        self._uplink_arrival = max(self._uplink_arrival, self.idle_at + self._half_rtt(self.idle_at))

    def _half_rtt(self, when: float) -> float:
        return self.trace.rtt_at(when - self.started_at) / 2
