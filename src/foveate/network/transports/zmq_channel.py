"""A device's end of ZeroMQ: a DEALER that connects once, watches what becomes of it, and connects anew when told to.

Frames must not pile up in front of a slow link, so the queue is two messages long and the kernel's buffers can be kept
small. CONFLATE is not used: it drops parts of messages; readers drain to the latest themselves.
"""

import time
from enum import Enum

import zmq

from foveate.core import TransportError
from foveate.network.security import DeviceKeys, check_encrypted, split_address
from foveate.network.transports._base import Channel, Fault
from foveate.network.transports.zmq_socket import Monitor, Waiter, open_socket, send_parts

FRAME_QUEUE = 2
"""High-water mark where frames pass, messages."""
REPLY_QUEUE = 64
"""High-water mark of the server's small answers."""
CONNECT_TIMEOUT_S = 0.6
"""A try to connect is given up after this: TCP alone would wait twice as long each time."""

_HANDSHAKE_FAILED = (
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)
_WATCHED = (
    zmq.EVENT_CONNECTED | zmq.EVENT_CLOSED | zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_SUCCEEDED | _HANDSHAKE_FAILED
)


class _Stage(Enum):
    """How far a connection has come."""

    DIALLING = "nobody answers at that address"
    HANDSHAKE = "somebody is there but does not answer: if it is a server, it may not allow this device's key"
    OPEN = ""


class ZmqChannel(Channel):
    """Connects to `address` (`HOST:PORT`). Raises `TransportError` on an address that cannot be one.

    With `keys` all traffic is encrypted, and only the server that they name can read it; without, the address must be
    on this machine (`InputError`), unless `insecure` says that something else protects the traffic. `buffer_bytes`
    limits the kernel's send and receive buffers: behind a shaped link, what the kernel holds would count as sent.
    """

    def __init__(
        self,
        address: str,
        *,
        keys: DeviceKeys | None = None,
        insecure: bool = False,
        buffer_bytes: int | None = None,
    ) -> None:
        split_address(address)
        check_encrypted(address, keys, insecure=insecure)
        self._address, self._keys, self._buffer_bytes = address, keys, buffer_bytes
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._waiter = Waiter()
        self._closed = False
        self._fault: Fault | None = None
        try:
            self._dial()
        except zmq.ZMQError as error:
            self.close()
            raise TransportError(f"cannot connect to {address!r}: {error.strerror}") from error

    def send(self, payload: bytes) -> bool:
        """Queue a message; never blocks."""
        return send_parts(self._raw, [payload])

    def redial(self) -> None:
        """Connect anew, with a socket of its own: nothing of the old connection can be taken for the new one."""
        self._hang_up()
        self._dial()

    def poll(self, timeout_s: float) -> bytes | None:
        """The next message of the server."""
        give_up_at = time.monotonic() + timeout_s
        while True:
            ready, woken = self._waiter.wait(give_up_at - time.monotonic())
            self._watch()
            if self._raw in ready:  # whatever became of the connection: its last words still count
                return self._raw.recv_multipart(zmq.NOBLOCK)[-1]
            if woken or self._fault is not None or not ready:
                return None

    def fault(self) -> Fault | None:
        """What ended the connection, told once."""
        fault, self._fault = self._fault, None
        return fault

    @property
    def state(self) -> str:
        """How far the connection has come, in words."""
        return self._state

    def wake(self) -> None:
        """Make `poll` return."""
        self._waiter.wake()

    def close(self) -> None:
        """Close the connection; unsent messages are dropped."""
        if self._closed:
            return
        self._closed = True
        self._hang_up()
        self._waiter.close()
        self._context.term()

    def _dial(self) -> None:
        raw = open_socket(
            self._context, zmq.DEALER, address=self._address, send_queue=FRAME_QUEUE, receive_queue=REPLY_QUEUE
        )
        self._raw, self._monitor = raw, Monitor(raw, _WATCHED)
        self._stage, self._fault, self._state = _Stage.DIALLING, None, _Stage.DIALLING.value
        for source in (raw, self._monitor.source):
            self._waiter.add(source)
        raw.setsockopt(zmq.RECONNECT_IVL, -1)  # when to try again is decided by the session
        raw.setsockopt(zmq.CONNECT_TIMEOUT, round(1000 * CONNECT_TIMEOUT_S))
        if self._buffer_bytes is not None:
            raw.setsockopt(zmq.SNDBUF, self._buffer_bytes)
            raw.setsockopt(zmq.RCVBUF, self._buffer_bytes)
        if self._keys is not None:
            raw.setsockopt(zmq.CURVE_SERVERKEY, self._keys.server)
            raw.setsockopt(zmq.CURVE_PUBLICKEY, self._keys.pair.public)
            raw.setsockopt(zmq.CURVE_SECRETKEY, self._keys.pair.secret)
        raw.connect(f"tcp://{self._address}")

    def _hang_up(self) -> None:
        for source in (self._raw, self._monitor.source):
            self._waiter.remove(source)
        self._monitor.close()
        self._raw.close()

    def _watch(self) -> None:
        """See how far the connection has come, or what ended it."""
        while (event := self._monitor.next()) is not None:
            if event.kind == zmq.EVENT_CONNECTED:
                self._reach(_Stage.HANDSHAKE)
            elif event.kind == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self._reach(_Stage.OPEN)
            elif self._fault is None:
                self._fault = self._failed()
                self._state = self._fault.reason

    def _reach(self, stage: _Stage) -> None:
        self._stage, self._state = stage, stage.value

    def _failed(self) -> Fault:
        match self._stage:
            case _Stage.DIALLING:
                return Fault(reason=_Stage.DIALLING.value)
            case _Stage.HANDSHAKE:
                return Fault(reason=self._refusal(), refused=True)
            case _Stage.OPEN:
                return Fault(reason="the server closed the connection")

    def _refusal(self) -> str:
        if self._keys is None:
            return "the server ended the first exchange: it may want encryption, and no server key was given"
        return (
            "the server ended the first exchange: it does not allow this device's key, has another key than the one "
            "given, or does not encrypt"
        )
