"""What both ends of ZeroMQ share: one socket with its options, and waiting for several things at once."""

import math
import socket
from contextlib import suppress
from dataclasses import dataclass

import zmq
from zmq.utils.monitor import recv_monitor_message

from foveate.network.messages import MAX_MESSAGE_BYTES


@dataclass(frozen=True, kw_only=True)
class ConnectionEvent:
    """Something that happened to a connection below the messages."""

    kind: int
    """One of `zmq.EVENT_*`."""
    value: int
    """What ZeroMQ says about it."""


def open_socket(
    context: "zmq.Context[zmq.Socket[bytes]]", kind: int, *, address: str, send_queue: int, receive_queue: int
) -> "zmq.Socket[bytes]":
    """A socket for `address` whose queues are bounded, in messages, and that drops what is unsent when it is closed."""
    raw = context.socket(kind)
    raw.setsockopt(zmq.IPV6, int(address.startswith("[")))
    raw.setsockopt(zmq.LINGER, 0)
    raw.setsockopt(zmq.SNDHWM, send_queue)
    raw.setsockopt(zmq.RCVHWM, receive_queue)
    raw.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES)
    return raw


def send_parts(raw: "zmq.Socket[bytes]", parts: list[bytes]) -> bool:
    """Queue one message without blocking; False if there is no room or no peer."""
    try:
        raw.send_multipart(parts, zmq.NOBLOCK, copy=False)
    except zmq.ZMQError:
        return False
    return True


class Monitor:
    """Events of a socket's connections, in the order in which they happened."""

    def __init__(self, raw: "zmq.Socket[bytes]", events: int) -> None:
        self._raw = raw
        self.source: zmq.Socket[bytes] = raw.get_monitor_socket(events)
        """Readable while there is an event."""

    def next(self) -> ConnectionEvent | None:
        """The next event that is there."""
        try:
            told = recv_monitor_message(self.source, zmq.NOBLOCK)
        except zmq.Again:
            return None
        return ConnectionEvent(kind=int(told["event"]), value=int(told["value"]))

    def close(self) -> None:
        """Stop watching."""
        with suppress(zmq.ZMQError):
            self._raw.disable_monitor()
        self.source.close(0)


class Waiter:
    """Waits for sockets, or for a byte that another thread wrote."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        for end in (self._reader, self._writer):
            end.settimeout(0)
        self._poller = zmq.Poller()
        self._poller.register(self._reader, zmq.POLLIN)

    def add(self, source: "zmq.Socket[bytes]") -> None:
        """Wait for a socket, too."""
        self._poller.register(source, zmq.POLLIN)

    def remove(self, source: "zmq.Socket[bytes]") -> None:
        """Wait for it no longer."""
        self._poller.unregister(source)

    def wait(self, timeout_s: float) -> tuple[set[object], bool]:
        """The sockets with something to read, and whether `wake` was called; both may be."""
        found = dict(self._poller.poll(math.ceil(max(0.0, timeout_s) * 1000)))
        woken = found.pop(self._reader.fileno(), None) is not None
        if woken:
            with suppress(BlockingIOError):
                self._reader.recv(4096)
        return set(found), woken

    def wake(self) -> None:
        """End the running or the next `wait`; from any thread."""
        # A full pipe means that a wake-up is pending anyway; a closed one that nobody waits any more.
        with suppress(OSError):
            self._writer.send(b"\0")

    def close(self) -> None:
        """Free both ends."""
        self._reader.close()
        self._writer.close()
