"""Messages between threads of one process: for tests and for a server inside the device's process."""

from collections import deque
from threading import Condition
from typing import Generic, TypeVar

from foveate.network.transports._base import Channel, Hub

QUEUE_LENGTH = 64
"""Messages that wait for one reader before further ones are dropped."""

_T = TypeVar("_T")


class _Mailbox(Generic[_T]):
    """A bounded queue whose reader can be woken without a message."""

    def __init__(self) -> None:
        self._items: deque[_T] = deque()
        self._changed = Condition()
        self._woken = False
        self._closed = False

    def put(self, item: _T) -> bool:
        with self._changed:
            if self._closed or len(self._items) >= QUEUE_LENGTH:
                return False
            self._items.append(item)
            self._changed.notify()
            return True

    def take(self, timeout_s: float) -> _T | None:
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._woken, timeout_s)
            self._woken = False
            return self._items.popleft() if self._items else None

    def wake(self) -> None:
        with self._changed:
            self._woken = True
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._items.clear()


class MemoryHub(Hub):
    """The server's end; `connect` makes a device's end."""

    def __init__(self) -> None:
        self._inbox: _Mailbox[tuple[bytes, bytes]] = _Mailbox()
        self._peers: dict[bytes, _Mailbox[bytes]] = {}

    def connect(self) -> "MemoryChannel":
        """A new device's end."""
        peer = len(self._peers).to_bytes(4, "big")
        self._peers[peer] = _Mailbox()
        return MemoryChannel(peer, inbox=self._peers[peer], outbox=self._inbox)

    def send(self, peer: bytes, payload: bytes) -> bool:
        """Queue a message to one peer."""
        return peer in self._peers and self._peers[peer].put(payload)

    def poll(self, timeout_s: float) -> tuple[bytes, bytes] | None:
        """The next message of any peer."""
        return self._inbox.take(timeout_s)

    def wake(self) -> None:
        """Make `poll` return."""
        self._inbox.wake()

    def close(self) -> None:
        """Refuse further messages."""
        self._inbox.close()


class MemoryChannel(Channel):
    """A device's end; made by `MemoryHub.connect`."""

    def __init__(self, name: bytes, *, inbox: _Mailbox[bytes], outbox: _Mailbox[tuple[bytes, bytes]]) -> None:
        self._name, self._inbox, self._outbox = name, inbox, outbox

    def send(self, payload: bytes) -> bool:
        """Queue a message to the server."""
        return self._outbox.put((self._name, payload))

    def redial(self) -> None:
        """Nothing: there is no connection that could break."""

    def poll(self, timeout_s: float) -> bytes | None:
        """The next message of the server."""
        return self._inbox.take(timeout_s)

    def wake(self) -> None:
        """Make `poll` return."""
        self._inbox.wake()

    def close(self) -> None:
        """Refuse further messages."""
        self._inbox.close()
