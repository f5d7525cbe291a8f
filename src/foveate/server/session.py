"""The server as a state machine without I/O: bytes of clients in, bytes and work out.

Frames are acknowledged when they arrive, whatever the engine is doing. Of each client only the newest frame waits:
an answer to an older one would be stale before it was computed.
"""

from dataclasses import dataclass

from foveate.core import ProtocolError
from foveate.network.messages import (
    MAX_TEXT,
    Ack,
    Failure,
    FromDevice,
    FromServer,
    Hello,
    Offload,
    Ping,
    Pong,
    Result,
    Stranger,
    Welcome,
    decode_from_device,
    encode,
)
from foveate.server.engine import Inferred
from foveate.server.events import (
    ClientForgotten,
    ClientGreeted,
    Observer,
    OffloadAnswered,
    OffloadRefused,
    ignore,
)

MAX_WAITING = 64
"""Clients with a frame in the queue; further ones are refused."""
MAX_KNOWN = 1024
"""Clients that need not greet again; beyond that the one that was silent longest is forgotten."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """Bytes for one client."""

    client: bytes
    """Its name in the transport."""
    payload: bytes
    """One message."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Work:
    """One offload for the engine; hand the outcome to `ServerSession.finished` or `failed`."""

    client: bytes
    """Who waits for it."""
    offload: Offload
    """What to run."""
    queue_s: float
    """How long it waited for the engine, seconds."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Waiting:
    offload: Offload
    since: float


class ServerSession:
    """Any number of clients, one engine. Clients take turns; the transport names them. `now` must not run back.

    A client must greet first, so that no frame is cut for another model than the one that runs here. `observer` is
    told what happens; it does not change it.
    """

    def __init__(self, welcome: Welcome, *, observer: Observer = ignore) -> None:
        self._welcome, self._tell = welcome, observer
        self._known: dict[bytes, None] = {}
        self._waiting: dict[bytes, _Waiting] = {}

    @property
    def waiting(self) -> int:
        """Offloads that wait for the engine."""
        return len(self._waiting)

    def receive(self, client: bytes, payload: bytes, now: float) -> list[Reply]:
        """A message of a client -> what must be answered at once."""
        try:
            message = decode_from_device(payload)
        except ProtocolError as error:
            return [self._refuse(client, None, "malformed", str(error))]
        if not self._knows(client, greeted=isinstance(message, Hello)):
            return [self._estrange(client, message)]
        match message:
            case Hello():
                self._tell(ClientGreeted(client=client))
                return [_reply(client, self._welcome)]
            case Ping(number=number):
                return [_reply(client, Pong(number=number))]
            case Offload():
                return self._enqueue(client, message, now)

    def next_work(self, now: float) -> Work | None:
        """The frame that has waited longest, for an engine that is free and starts on it now."""
        if not self._waiting:
            return None
        client = next(iter(self._waiting))
        waiting = self._waiting.pop(client)
        return Work(client=client, offload=waiting.offload, queue_s=now - waiting.since)

    def finished(self, work: Work, inferred: Inferred) -> Reply:
        """The engine's outcome -> the answer."""
        self._tell(OffloadAnswered(client=work.client, offload=work.offload, inferred=inferred, queue_s=work.queue_s))
        result = Result.of(
            inferred.detections,
            offload_id=work.offload.offload_id,
            queue_s=work.queue_s,
            decode_s=inferred.decode_s,
            inference_s=inferred.inference_s,
        )
        return _reply(work.client, result)

    def failed(self, work: Work, text: str, *, reason: str = "failed") -> Reply:
        """The engine could not -> the answer. `reason`: one of `REFUSALS`."""
        return self._refuse(work.client, work.offload.offload_id, reason, text)

    def _refuse(self, client: bytes, offload_id: int | None, reason: str, text: str) -> Reply:
        self._tell(OffloadRefused(client=client, offload_id=offload_id, reason=reason, text=text))
        return _reply(client, Failure(offload_id=offload_id, text=text[:MAX_TEXT]))

    def _estrange(self, client: bytes, message: FromDevice) -> Reply:
        """Answer one who has not greeted."""
        if isinstance(message, Offload):
            text = "no greeting came before it"
            refused = OffloadRefused(client=client, offload_id=message.offload_id, reason="stranger", text=text)
            self._tell(refused)
        return _reply(client, Stranger())

    def _knows(self, client: bytes, *, greeted: bool) -> bool:
        """Whether the client has greeted; keeps those known that were heard of last."""
        if not greeted and client not in self._known:
            return False
        self._known.pop(client, None)
        self._known[client] = None
        if len(self._known) > MAX_KNOWN:
            forgotten = next(iter(self._known))
            del self._known[forgotten]
            self._tell(ClientForgotten(client=forgotten))
        return True

    def _enqueue(self, client: bytes, offload: Offload, now: float) -> list[Reply]:
        offload_id = offload.offload_id
        replies = [_reply(client, Ack(offload_id=offload_id))]
        if offload.restoration_point > self._welcome.subsets:
            text = f"restoration points run from 0 to {self._welcome.subsets}, got {offload.restoration_point}"
            return [*replies, self._refuse(client, offload_id, "unusable", text)]
        if client not in self._waiting and len(self._waiting) >= MAX_WAITING:
            return [*replies, self._refuse(client, offload_id, "busy", "the server is busy")]
        superseded = self._waiting.get(client)
        self._waiting[client] = _Waiting(offload=offload, since=now)  # keeps the client's place in the queue
        if superseded is not None:
            replies.append(self._refuse(client, superseded.offload.offload_id, "superseded", "superseded"))
        return replies


def _reply(client: bytes, message: FromServer) -> Reply:
    return Reply(client=client, payload=encode(message))
