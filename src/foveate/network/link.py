"""A link that follows a trace: what is sent now arrives when? A model without I/O, for relay and simulator.

First in, first out. Bytes leave at the trace's rate, spread evenly over each of its steps; then every byte travels
for half of the round-trip time that holds at its departure, and never overtakes an earlier one. The downlink has
no rate: replies only travel. During an outage nothing passes in either direction; what waits passes afterwards.

`transport` says who puts bytes on the link: `ideal` uses all of it at once, `tcp` opens a window step by step.
"""

import copy
import math
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from foveate.core import InputError
from foveate.network.congestion import SEGMENT_BYTES, CongestionWindow
from foveate.network.outages import InterruptedTrace, Outage
from foveate.network.trace import UplinkTrace

QUEUE_BYTES = 256 * 1024
"""How many bytes may wait in front of the link before a sender is held back."""
TRANSPORTS = ("ideal", "tcp")
"""Senders by name."""

_MTU_BYTES = 1500
_LARGEST_PIECE_BYTES = 8192
_PIECE_S = 0.002


@dataclass(frozen=True, kw_only=True)
class LinkSettings:
    """What a link is made of. Raises `InputError` on an unknown transport."""

    trace: UplinkTrace
    """Capacity and round trips, from where the run starts."""
    transport: str = "ideal"
    """A name of `TRANSPORTS`."""
    outages: tuple[Outage, ...] = ()
    """When the link is cut."""

    def __post_init__(self) -> None:
        if self.transport not in TRANSPORTS:
            raise InputError(f"unknown transport {self.transport!r}; known: {', '.join(TRANSPORTS)}")

    def start(self, now: float) -> "Link":
        """Such a link, its trace's clock reading 0 now."""
        return Link(self.trace, transport=self.transport, outages=self.outages, started_at=now)


class _Piece(NamedTuple):
    starts_at: float
    departs_at: float
    nbytes: int


class Link:
    """One direction that is shaped and one that only delays. `now` is the caller's clock, and must not run back.

    Raises `InputError` on an unknown transport.
    """

    def __init__(
        self,
        trace: UplinkTrace,
        *,
        transport: str = "ideal",
        outages: tuple[Outage, ...] = (),
        started_at: float = 0.0,
    ) -> None:
        self.settings = LinkSettings(trace=trace, transport=transport, outages=outages)
        """What it is made of."""
        self.started_at = started_at
        """When the trace's clock read 0, seconds of the caller's clock."""
        self.idle_at = started_at
        """When the last byte sent so far has left, or will have."""
        self._line = InterruptedTrace(trace, outages)
        self._window = CongestionWindow() if transport == "tcp" else None
        self._released_at = self._uplink_arrival = self._downlink_arrival = self._ack_arrival = started_at
        self._waiting = deque[_Piece]()
        self._waiting_bytes = 0

    def send(self, now: float, nbytes: int) -> float:
        """Put `nbytes` on the uplink; when the last of them arrives. Raises `InputError` if `nbytes` < 0.

        More than the queue holds may be sent at once: the rest then waits in the sender, which delays nothing.
        """
        if nbytes < 0:
            raise InputError(f"a message has at least 0 bytes, got {nbytes}")
        self._forget_departed(now)
        # In pieces, because the round-trip time may fall while a long message leaves: what left in slow times
        # then holds back the rest.
        piece = _LARGEST_PIECE_BYTES if self._window is None else SEGMENT_BYTES
        for sent in range(0, max(nbytes, 1), piece):
            self._send_piece(now, min(nbytes - sent, piece))
        return self._uplink_arrival

    def preview(self, now: float, nbytes: int) -> float:
        """When the last of `nbytes` would arrive if they were sent now; nothing is sent."""
        shared = {id(self._line): self._line, id(self.settings): self.settings}
        return copy.deepcopy(self, shared).send(now, nbytes)

    def reply(self, now: float) -> float:
        """When something that leaves the server now reaches the device."""
        self._downlink_arrival = max(self._downlink_arrival, self._arrival_at(now))
        return self._downlink_arrival

    def abandon(self, now: float) -> None:
        """The connection is given up: what waits is lost, and the next one starts with a window of its own."""
        self._waiting.clear()
        self._waiting_bytes = 0
        self.idle_at = min(self.idle_at, now)
        self._released_at = self._uplink_arrival = self._downlink_arrival = self._ack_arrival = now
        self._window = None if self._window is None else CongestionWindow()

    def rtt_at(self, now: float) -> float:
        """Round-trip time that holds now, seconds."""
        return self._line.rtt_at(now - self.started_at)

    def capacity_bps(self, since: float, until: float) -> float:
        """Mean rate that the link has from `since` to `until`, bits per second; at that moment where no time passes."""
        if until <= since:
            return self._line.rate_at(since - self.started_at)
        return self._line.bits_between(since - self.started_at, until - self.started_at) / (until - since)

    def queued_bytes(self, now: float) -> int:
        """How many of the bytes sent have not left yet, those that wait in the sender's socket too.

        A started byte counts whole.
        """
        self._forget_departed(now)
        if not self._waiting:
            return 0
        first = self._waiting[0]
        return self._waiting_bytes - first.nbytes + min(first.nbytes, self._left_bytes(now, first))

    def room_bytes(self, now: float) -> int:
        """How many more bytes the queue takes now."""
        return max(0, self._capacity_bytes - self.queued_bytes(now))

    def room_at(self, now: float, nbytes: int) -> float:
        """When the queue will have room for `nbytes` (at most its length), if nothing else is sent until then."""
        excess = self.queued_bytes(now) + min(nbytes, self._capacity_bytes) - self._capacity_bytes
        for piece in self._waiting:
            started_at = max(now, piece.starts_at)
            left = min(piece.nbytes, self._left_bytes(started_at, piece))
            if excess <= left:
                return self._finish_at(started_at, excess) if excess > 0 else now
            excess -= left
        return max(now, self.idle_at)

    def piece_bytes(self, now: float) -> int:
        """How many bytes to move at a time: about 2 ms of the present rate, from one packet to 8 KiB."""
        bits = self._line.rate_at(max(0.0, now - self.started_at)) * _PIECE_S
        return min(max(int(bits / 8), _MTU_BYTES), _LARGEST_PIECE_BYTES)

    @property
    def _capacity_bytes(self) -> int:
        """The queue; behind a window as much again in the socket, so that the window and not the shell limits it."""
        return QUEUE_BYTES if self._window is None else 2 * QUEUE_BYTES

    def _send_piece(self, now: float, nbytes: int) -> None:
        if self._window is None:
            self._depart(now, nbytes)
            return
        self._released_at = self._release_at(self._window, max(now, self._released_at), nbytes)
        self._depart(self._released_at, nbytes)
        if nbytes > 0:
            self._ack_arrival = max(self._ack_arrival, self._arrival_at(self._uplink_arrival))
            self._window.sent(self._released_at, nbytes, self._ack_arrival)

    def _release_at(self, window: CongestionWindow, now: float, nbytes: int) -> float:
        """When a segment leaves the socket for the queue."""
        now = window.opens_at(now, nbytes)
        if window.in_flight_bytes + nbytes <= QUEUE_BYTES:
            return now
        if self._excess(now, nbytes) > 0 and window.halve():
            now = window.opens_at(now, nbytes)
        excess = self._excess(now, nbytes)
        return self._finish_at(now, excess) if excess > 0 else now

    def _excess(self, now: float, nbytes: int) -> float:
        """By how many bytes `nbytes` more would overflow the queue, `now` being no earlier than the last release."""
        waiting = self._line.bits_between(now - self.started_at, max(now, self.idle_at) - self.started_at) / 8
        return waiting + nbytes - QUEUE_BYTES

    def _depart(self, now: float, nbytes: int) -> None:
        starts_at = max(now, self.idle_at)
        self.idle_at = self._finish_at(starts_at, nbytes)
        self._uplink_arrival = max(self._uplink_arrival, self._arrival_at(self.idle_at))
        self._waiting.append(_Piece(starts_at, self.idle_at, nbytes))
        self._waiting_bytes += nbytes

    def _forget_departed(self, now: float) -> None:
        while self._waiting and self._waiting[0].departs_at <= now:
            self._waiting_bytes -= self._waiting.popleft().nbytes

    def _left_bytes(self, now: float, piece: _Piece) -> int:
        """How many bytes of a piece, from its first one on, leave from `now` on."""
        bits = self._line.bits_between(now - self.started_at, piece.departs_at - self.started_at)
        return math.ceil(bits / 8 - 1e-3)

    def _finish_at(self, now: float, nbytes: float) -> float:
        return self._line.finish_at(now - self.started_at, nbytes) + self.started_at

    def _arrival_at(self, departure: float) -> float:
        return self._line.arrival_at(departure - self.started_at) + self.started_at
