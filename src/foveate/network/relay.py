"""A TCP relay on this machine that behaves like a link: no privileges, no kernel module, any program through it.

Bytes are taken from a socket only while the link's queue has room, wait until the model says that they arrive,
and are then handed on. Sockets have small buffers: what the kernel held back would be a second, unseen queue.
"""

import asyncio
import logging
import socket
import threading
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from foveate.core import TransportError
from foveate.network.link import Link, LinkSettings
from foveate.network.outages import Outage
from foveate.network.trace import UplinkTrace

Address = tuple[str, int]
"""Host and TCP port."""

_LOG = logging.getLogger(__name__)

_SOCKET_BUFFER_BYTES = 16 * 1024
"""Asked for; Linux doubles it for its own bookkeeping."""
_REPLY_BYTES = 16 * 1024
"""How much is read at a time where nothing is shaped."""
_REFILL_BYTES = 32 * 1024
"""Room that a full queue waits for, so that it is refilled in a few long turns and not in many short ones."""
_MOST_PIECES = 4096
"""Pieces on their way in one direction; a sender faster than any link is held back there."""
_RETRY_S = 0.1
_STOP_S = 1.0


class ShapedRelay:
    """Listens on `host:port` and forwards to `target`: rate and half a round trip up, half a round trip down.

    All connections share one link, and under `transport="tcp"` one sender. The trace's clock starts at the first byte
    in either direction, `trace_offset_s` into the recording, and outages count from there. A connection whose target
    is not there waits for it, `patience_s` seconds at most, and is then closed. Runs in a thread of its own between
    `start` and `stop`; also a context manager; not reusable. Raises `InputError` on an unknown transport.
    """

    def __init__(
        self,
        *,
        trace: UplinkTrace,
        target: Address,
        host: str = "127.0.0.1",
        port: int = 0,
        trace_offset_s: float = 0.0,
        transport: str = "ideal",
        outages: tuple[Outage, ...] = (),
        patience_s: float = 5.0,
    ) -> None:
        self._settings = LinkSettings(trace=trace.starting_at(trace_offset_s), transport=transport, outages=outages)
        self._target = target
        self._wanted: Address = (host, port)
        self._patience_s = patience_s
        self._link: Link | None = None
        self._listener: socket.socket | None = None
        self._address: Address | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._running = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shaped-relay", daemon=True)

    @property
    def address(self) -> Address:
        """Where it listens. Raises `TransportError` before `start`."""
        if self._address is None:
            raise TransportError("the relay listens nowhere before start()")
        return self._address

    def start(self) -> None:
        """Listen and return. Raises `TransportError` if the address cannot be used."""
        self._listener = _listen(self._wanted)
        host, port = self._listener.getsockname()[:2]
        self._address = host, port
        self._thread.start()
        self._running.wait()

    def stop(self) -> None:
        """Close every connection and the listening socket; done within a second. A second call does nothing."""
        if self._loop is None or not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(_STOP_S)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        acceptor = asyncio.create_task(self._accept())
        self._running.set()
        await self._stopping.wait()
        acceptor.cancel()  # asyncio.run cancels the connections, which close their sockets

    async def _accept(self) -> None:
        assert self._listener is not None
        connections = set[asyncio.Task[None]]()  # the loop itself keeps weak references only
        with self._listener:
            while True:
                try:
                    device, _ = await asyncio.get_running_loop().sock_accept(self._listener)
                except OSError as error:  # as where this process has no file left to open: some will be closed
                    _LOG.warning("the relay could not accept a connection: %s", error)
                    await asyncio.sleep(_RETRY_S)
                    continue
                connection = asyncio.create_task(self._connect(device))
                connections.add(connection)
                connection.add_done_callback(connections.discard)

    async def _connect(self, device: socket.socket) -> None:
        """Serve one accepted connection until both ends have finished, either is lost, or the relay stops."""
        with device:
            _make_prompt(device)
            try:
                server = await _reach(self._target, self._patience_s)
            except OSError as error:
                _LOG.warning("relay target %s:%d is not there: %s", *self._target, error)
                return
            with server:
                await self._carry(device, server)

    async def _carry(self, device: socket.socket, server: socket.socket) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                _carry_one_way(group, device, server, room=self._uplink_room, due_at=self._uplink_due)
                _carry_one_way(group, server, device, room=self._downlink_room, due_at=self._downlink_due)
        except* OSError as errors:
            _LOG.debug("relay connection lost: %s", errors.exceptions[0])

    async def _uplink_room(self) -> int:
        """Wait until the queue takes another piece; how many bytes it may have."""
        now = asyncio.get_running_loop().time()
        link = self._link or self._settings.start(now)
        while link.room_bytes(now) < link.piece_bytes(now):
            await asyncio.sleep(link.room_at(now, _REFILL_BYTES) - now)
            now = asyncio.get_running_loop().time()
        return link.piece_bytes(now)

    async def _downlink_room(self) -> int:
        return _REPLY_BYTES

    def _uplink_due(self, now: float, nbytes: int) -> float:
        return self._started(now).send(now, nbytes)

    def _downlink_due(self, now: float, _nbytes: int) -> float:
        return self._started(now).reply(now)

    def _started(self, now: float) -> Link:
        if self._link is None:
            self._link = self._settings.start(now)
        return self._link


def _carry_one_way(
    group: asyncio.TaskGroup,
    source: socket.socket,
    sink: socket.socket,
    *,
    room: Callable[[], Awaitable[int]],
    due_at: Callable[[float, int], float],
) -> None:
    """Start the two tasks of one direction: one takes bytes and learns when they are due, one gives them."""
    travelling = asyncio.Queue[tuple[float, bytes]](_MOST_PIECES)
    flowing = asyncio.Event()
    flowing.set()
    group.create_task(_take(source, travelling, flowing, room, due_at))
    group.create_task(_give(sink, travelling, flowing))


async def _take(
    source: socket.socket,
    travelling: asyncio.Queue[tuple[float, bytes]],
    flowing: asyncio.Event,
    room: Callable[[], Awaitable[int]],
    due_at: Callable[[float, int], float],
) -> None:
    """Read until the source ends; its end travels as an empty piece. Pauses while the sink does not read."""
    loop = asyncio.get_running_loop()
    piece = b"-"
    while piece:
        await flowing.wait()
        piece = await loop.sock_recv(source, await room())
        await travelling.put((due_at(loop.time(), len(piece)), piece))


async def _give(sink: socket.socket, travelling: asyncio.Queue[tuple[float, bytes]], flowing: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due_at, piece = await travelling.get()
        if (wait := due_at - loop.time()) > 0:
            await asyncio.sleep(wait)
        if not piece:
            sink.shutdown(socket.SHUT_WR)
            return
        flowing.clear()
        await loop.sock_sendall(sink, piece)
        flowing.set()


def _listen(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    try:
        listener = socket.create_server(address, family=family)
    except (OSError, OverflowError) as error:
        raise TransportError(f"the relay cannot listen on {address[0]}:{address[1]}: {error}") from error
    # Accepted sockets inherit it: the window offered to the device follows from the listener's buffer.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BUFFER_BYTES)
    listener.settimeout(0)
    return listener


async def _reach(target: Address, patience_s: float) -> socket.socket:
    """Connect, trying again until patience ends. Raises `OSError` then."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience_s
    while True:
        server = socket.socket(socket.AF_INET6 if ":" in target[0] else socket.AF_INET)
        _make_prompt(server)
        try:
            await loop.sock_connect(server, target)
        except OSError:
            server.close()
            if loop.time() >= deadline:
                raise
            await asyncio.sleep(_RETRY_S)
        except asyncio.CancelledError:
            server.close()
            raise
        else:
            return server


def _make_prompt(endpoint: socket.socket) -> None:
    """Small buffers, no waiting for full packets, no blocking."""
    endpoint.settimeout(0)
    endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        endpoint.setsockopt(socket.SOL_SOCKET, buffer, _SOCKET_BUFFER_BYTES)
