"""The thread that owns the transport: whatever the network does, nobody waits for it."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from foveate.core import Clock
from foveate.network.transports import Channel, Fault

MOST_WAITING = 16
"""Messages that wait while the transport blocks; further ones are dropped, as a full transport does."""
_POLL_S = 0.5
_STOP_S = 2.0
"""A transport that blocks longer keeps its thread; the process does not wait for it."""


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A message of the server, or the end of the connection to it."""

    content: bytes | Fault
    at: float
    """When it came, seconds on the device's clock."""


class Courier:
    """Sends and receives in a thread of its own. `on_arrival` is called from there when something came."""

    def __init__(self, channel: Channel, *, clock: Clock, on_arrival: Callable[[], None]) -> None:
        self._channel, self._clock, self._on_arrival = channel, clock, on_arrival
        self._outgoing: deque[bytes | None] = deque()  # None: connect anew
        self._lock = threading.Lock()
        self._arrived: deque[Arrival] = deque()
        self._stopped = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        """Begin; from now on the channel belongs to the thread."""
        self._thread.start()

    def send(self, payload: bytes) -> None:
        """Hand over a message; returns at once."""
        with self._lock:
            if len(self._outgoing) < MOST_WAITING:
                self._outgoing.append(payload)
        self._channel.wake()

    def redial(self) -> None:
        """Connect anew; what was to be sent before is dropped."""
        with self._lock:
            self._outgoing.clear()
            self._outgoing.append(None)
        self._channel.wake()

    def next_arrival(self) -> Arrival | None:
        """What came first, if anything is left. Raises what ended the thread, if anything did."""
        if self._error is not None:
            raise self._error
        return self._arrived.popleft() if self._arrived else None

    @property
    def state(self) -> str:
        """What is known of the connection, in words."""
        return self._channel.state

    def close(self) -> None:
        """End the thread; the channel stays open."""
        self._stopped = True
        self._channel.wake()
        if self._thread.ident is not None:
            self._thread.join(_STOP_S)

    def _run(self) -> None:
        try:
            while not self._stopped:
                self._hand_over()
                self._collect()
        except Exception as error:  # told to the loop, which raises it
            self._error = error
            self._on_arrival()

    def _hand_over(self) -> None:
        while True:
            with self._lock:
                if not self._outgoing:
                    return
                payload = self._outgoing.popleft()
            if payload is None:
                self._channel.redial()
            else:
                self._channel.send(payload)  # may block: a message that comes meanwhile waits in the transport

    def _collect(self) -> None:
        content = self._channel.poll(_POLL_S)
        while content is not None:
            self._tell(content)
            content = self._channel.poll(0)
        fault = self._channel.fault()
        if fault is not None:
            self._tell(fault)

    def _tell(self, content: bytes | Fault) -> None:
        self._arrived.append(Arrival(content=content, at=self._clock.now()))
        self._on_arrival()
