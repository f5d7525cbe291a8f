"""Messages over ZeroMQ: a DEALER on the device, a ROUTER on the server.

Frames must not pile up in front of a slow link, so queues are two messages long and the kernel's buffers can be
kept small. CONFLATE is not used: it drops parts of messages; readers drain to the latest themselves.
"""

import math
import socket
from contextlib import suppress

import zmq

from foveate.core import TransportError
from foveate.network.messages import MAX_MESSAGE_BYTES
from foveate.network.transports._base import Channel, Hub

FRAME_QUEUE = 2
"""High-water mark where frames pass, messages."""
REPLY_QUEUE = 64
"""High-water mark of the server's small answers, messages per device."""
CONNECT_TIMEOUT_S = 0.6
"""A try to connect is given up after this and made again: TCP alone would wait twice as long each time."""


class _Waiter:
    """Waits for one ZeroMQ socket, or for a byte that another thread wrote."""

    def __init__(self, source: "zmq.Socket[bytes]") -> None:
        self._reader, self._writer = socket.socketpair()
        for end in (self._reader, self._writer):
            end.settimeout(0)
        self._poller = zmq.Poller()
        self._poller.register(source, zmq.POLLIN)
        self._poller.register(self._reader, zmq.POLLIN)
        self._source = source

    def ready(self, timeout_s: float) -> bool:
        """Whether the socket has a message; returns early, with False, when woken."""
        found = dict(self._poller.poll(math.ceil(max(0.0, timeout_s) * 1000)))
        if self._reader.fileno() in found:
            with suppress(BlockingIOError):
                self._reader.recv(4096)
        return self._source in found

    def wake(self) -> None:
        # A full pipe means that a wake-up is pending anyway; a closed one that nobody waits any more.
        with suppress(OSError):
            self._writer.send(b"\0")

    def close(self) -> None:
        self._reader.close()
        self._writer.close()


class _Socket:
    """A socket with its own context, so that closing one end never disturbs another."""

    def __init__(self, kind: int, *, send_queue: int, receive_queue: int) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.raw = self._context.socket(kind)
        self.raw.setsockopt(zmq.LINGER, 0)
        self.raw.setsockopt(zmq.SNDHWM, send_queue)
        self.raw.setsockopt(zmq.RCVHWM, receive_queue)
        self.raw.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES)
        self.waiter = _Waiter(self.raw)

    def send(self, parts: list[bytes]) -> bool:
        try:
            self.raw.send_multipart(parts, zmq.NOBLOCK, copy=False)
        except zmq.ZMQError:
            return False
        return True

    def close(self) -> None:
        self.waiter.close()
        self.raw.close()
        self._context.term()


def _check_address(address: str) -> None:
    """ZeroMQ accepts more than it can use."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise TransportError(f"an address is written HOST:PORT, got {address!r}")


class ZmqChannel(Channel):
    """Connects to `address` (`HOST:PORT`). Raises `TransportError` on an address that cannot be one.

    `buffer_bytes` limits the kernel's send and receive buffers: behind a shaped link, what the kernel holds would
    count as sent.
    """

    def __init__(self, address: str, *, buffer_bytes: int | None = None) -> None:
        _check_address(address)
        self._socket = _Socket(zmq.DEALER, send_queue=FRAME_QUEUE, receive_queue=REPLY_QUEUE)
        if buffer_bytes is not None:
            self._socket.raw.setsockopt(zmq.SNDBUF, buffer_bytes)
            self._socket.raw.setsockopt(zmq.RCVBUF, buffer_bytes)
        self._socket.raw.setsockopt(zmq.CONNECT_TIMEOUT, round(1000 * CONNECT_TIMEOUT_S))
        self._endpoint = f"tcp://{address}"
        try:
            self._socket.raw.connect(self._endpoint)
        except zmq.ZMQError as error:
            self._socket.close()
            raise TransportError(f"cannot connect to {address!r}: {error.strerror}") from error

    def send(self, payload: bytes) -> bool:
        """Queue a message; never blocks."""
        return self._socket.send([payload])

    def redial(self) -> None:
        """Connect anew; a dead connection would otherwise be noticed only when TCP gives up."""
        self._socket.raw.disconnect(self._endpoint)
        self._socket.raw.connect(self._endpoint)

    def poll(self, timeout_s: float) -> bytes | None:
        """The next message of the server."""
        if not self._socket.waiter.ready(timeout_s):
            return None
        return self._socket.raw.recv_multipart(zmq.NOBLOCK)[-1]

    def wake(self) -> None:
        """Make `poll` return."""
        self._socket.waiter.wake()

    def close(self) -> None:
        """Close the connection; unsent messages are dropped."""
        self._socket.close()


class ZmqHub(Hub):
    """Listens on `address` (`HOST:PORT`; port 0 = any free one). Raises `TransportError` if it cannot."""

    def __init__(self, address: str) -> None:
        _check_address(address)
        self._socket = _Socket(zmq.ROUTER, send_queue=REPLY_QUEUE, receive_queue=FRAME_QUEUE)
        self._socket.raw.setsockopt(zmq.ROUTER_MANDATORY, 1)
        try:
            self._socket.raw.bind(f"tcp://{address}")
        except zmq.ZMQError as error:
            self._socket.close()
            raise TransportError(f"cannot listen on {address!r}: {error.strerror}") from error
        self.port = int(self._socket.raw.getsockopt_string(zmq.LAST_ENDPOINT).rpartition(":")[2])
        """The port that devices connect to."""

    def send(self, peer: bytes, payload: bytes) -> bool:
        """Queue a message to one peer; never blocks."""
        return self._socket.send([peer, payload])

    def poll(self, timeout_s: float) -> tuple[bytes, bytes] | None:
        """The next message of any peer."""
        if not self._socket.waiter.ready(timeout_s):
            return None
        parts = self._socket.raw.recv_multipart(zmq.NOBLOCK)
        return parts[0], parts[-1]

    def wake(self) -> None:
        """Make `poll` return."""
        self._socket.waiter.wake()

    def close(self) -> None:
        """Stop listening; unsent messages are dropped."""
        self._socket.close()
