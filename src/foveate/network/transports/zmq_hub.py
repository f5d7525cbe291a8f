"""A server's end of ZeroMQ: a ROUTER, behind a doorkeeper where traffic is encrypted."""

import logging
import time

import zmq

from foveate.core import TransportError
from foveate.network.security import ServerKeys, check_encrypted, split_address
from foveate.network.sparing_log import SparingLog
from foveate.network.transports._base import Hub
from foveate.network.transports.doorkeeper import Doorkeeper
from foveate.network.transports.zmq_socket import ConnectionEvent, Monitor, Waiter, open_socket, send_parts

FRAME_QUEUE = 2
"""High-water mark where frames pass, messages per device."""
REPLY_QUEUE = 64
"""High-water mark of the server's small answers, messages per device."""
HANDSHAKE_S = 10.0
"""A connection that has not come to its first message by then is closed."""
HEARTBEAT_S = 5.0
"""Between two questions, below the messages, whether a device is still there."""
SILENCE_S = 30.0
"""A connection that answers none of them for so long is closed: a frame on a slow uplink may hold up the answer."""

_LOG = logging.getLogger(__name__)


class ZmqHub(Hub):
    """Listens on `address` (`HOST:PORT`; port 0 = any free one). Raises `TransportError` if it cannot.

    With `keys` all traffic is encrypted, and only devices whose keys are allowed get anything; a key that is removed
    from the list is not heard any more. Without, the address must be on this machine (`InputError`), unless `insecure`
    says that something else protects the traffic. `silence_s`: after how long a device that vanished without a word
    is let go, seconds.
    """

    def __init__(
        self,
        address: str,
        *,
        keys: ServerKeys | None = None,
        insecure: bool = False,
        silence_s: float = SILENCE_S,
    ) -> None:
        split_address(address)
        check_encrypted(address, keys, insecure=insecure)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._waiter = Waiter()
        self._closed = False
        self._log = SparingLog(_LOG)
        self._doorkeeper = None if keys is None else Doorkeeper(self._context, keys, _LOG)
        self._raw = open_socket(
            self._context, zmq.ROUTER, address=address, send_queue=REPLY_QUEUE, receive_queue=FRAME_QUEUE
        )
        self._monitor = Monitor(self._raw, zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL)
        self._listen(address, silence_s)
        self.port = int(self._raw.getsockopt_string(zmq.LAST_ENDPOINT).rpartition(":")[2])
        """The port that devices connect to."""

    def send(self, peer: bytes, payload: bytes) -> bool:
        """Queue a message to one peer; never blocks."""
        return send_parts(self._raw, [peer, payload])

    def poll(self, timeout_s: float) -> tuple[bytes, bytes] | None:
        """The next message of any peer."""
        give_up_at = time.monotonic() + timeout_s
        while True:
            ready, woken = self._waiter.wait(give_up_at - time.monotonic())
            self._see_to_the_door(ready)
            item = self._receive() if self._raw in ready else None
            # Those at the door, and those who are ignored, must not hold up the caller for ever.
            if item is not None or woken or time.monotonic() >= give_up_at:
                return item

    def wake(self) -> None:
        """Make `poll` return."""
        self._waiter.wake()

    def close(self) -> None:
        """Stop listening; unsent messages are dropped."""
        if self._closed:
            return
        self._closed = True
        self._waiter.close()
        self._monitor.close()
        self._raw.close()
        if self._doorkeeper is not None:
            self._doorkeeper.close()
        self._context.term()

    def _listen(self, address: str, silence_s: float) -> None:
        raw = self._raw
        raw.setsockopt(zmq.ROUTER_MANDATORY, 1)
        raw.setsockopt(zmq.HANDSHAKE_IVL, round(1000 * HANDSHAKE_S))
        raw.setsockopt(zmq.HEARTBEAT_IVL, round(1000 * min(HEARTBEAT_S, silence_s / 2)))
        raw.setsockopt(zmq.HEARTBEAT_TIMEOUT, round(1000 * silence_s))
        if self._doorkeeper is not None:
            self._doorkeeper.guard(raw)
            self._waiter.add(self._doorkeeper.source)
        self._waiter.add(self._monitor.source)
        self._waiter.add(raw)
        try:
            raw.bind(f"tcp://{address}")
        except zmq.ZMQError as error:
            self.close()
            raise TransportError(f"cannot listen on {address!r}: {error.strerror}") from error

    def _see_to_the_door(self, ready: set[object]) -> None:
        if self._monitor.source in ready:
            self._note(self._monitor.next())
        if self._doorkeeper is not None and self._doorkeeper.source in ready:
            self._doorkeeper.answer()

    def _note(self, failure: ConnectionEvent | None) -> None:
        """Tell of a peer that did not get as far as a first message."""
        if failure is None:
            return
        if failure.kind == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            # Both ends see that they do not fit; where the other one leaves first, this is all that is known.
            self._log.info("left", "a peer broke off the handshake")
        elif self._doorkeeper is not None:
            self._doorkeeper.note_failure(failure.value)
        elif failure.value == zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH:
            self._log.warning(
                "encrypted", "refused a peer that encrypts, as this server does not: it was given no keys"
            )

    def _receive(self) -> tuple[bytes, bytes] | None:
        """The message that is there; None where its sender is not heard any more."""
        peer, *parts = self._raw.recv_multipart(zmq.NOBLOCK, copy=False)
        if self._doorkeeper is not None and not self._doorkeeper.may_stay(parts[-1].get("User-Id")):
            return None
        return bytes(peer.buffer), b"" if len(parts) != 1 else bytes(parts[0].buffer)
