"""The server as a state machine without I/O: bytes of clients in, bytes and work out.

Frames are acknowledged when they arrive, whatever the engine is doing. Of each client only the newest frame waits: an
answer to an older one would be stale before it was computed. What waits, and in which order, is `queue.py`.
"""

from dataclasses import dataclass
from typing import Generic

from foveate.core import InputError, ProtocolError, VersionError
from foveate.network.messages import (
    MAX_TEXT,
    Ack,
    AnyOffload,
    Failure,
    FromDevice,
    FromServer,
    Hello,
    Offload,
    PartsOffload,
    Ping,
    Pong,
    Probe,
    Probed,
    Result,
    Stranger,
    Welcome,
    check_extent,
    encode,
    read_from_device,
    unpack_mask,
)
from foveate.server.clients import Clients
from foveate.server.cuts import overlap_factor, parts_tokens
from foveate.server.engine import Inferred
from foveate.server.events import (
    ClientForgotten,
    ClientGreeted,
    ClientIgnored,
    Observer,
    OffloadAnswered,
    OffloadRefused,
    ignore,
)
from foveate.server.limits import ServerLimits
from foveate.server.queue import BUDGET_TOKENS, OffloadQueue
from foveate.server.tolerance import Tolerance
from foveate.server.work import Batch, Decoded, Work, seen_tokens


@dataclass(frozen=True, kw_only=True)
class Reply:
    """Bytes for one client."""

    client: bytes
    """Its name in the transport."""
    payload: bytes
    """One message."""


class ServerSession(Generic[Decoded]):
    """Any number of clients, one engine, one or more models. The transport names clients. `now` must not run back.

    A client must greet first, and may ask for one of the models, so that no frame is cut for another one than sees it.
    `welcomes`: the models; the first is for those who ask for none. A client that sends nonsense is ignored for a
    while, one that is silent for long is forgotten. `observer` is told what happens; it does not change it. Raises
    `InputError` without a model, or where two have one name.
    """

    def __init__(
        self,
        *welcomes: Welcome,
        budget_tokens: int = BUDGET_TOKENS,
        limits: ServerLimits | None = None,
        observer: Observer = ignore,
    ) -> None:
        self._models = {welcome.model: welcome for welcome in welcomes}
        if not welcomes or len(self._models) < len(welcomes):
            raise InputError(f"a server needs models with different names, got {[w.model for w in welcomes]}")
        self._default, self._tell = welcomes[0], observer
        self._limits = ServerLimits() if limits is None else limits
        self._clients, self._tolerance = Clients(self._limits), Tolerance(self._limits)
        self._queue: OffloadQueue[Decoded] = OffloadQueue(budget_tokens)

    @property
    def waiting(self) -> int:
        """Offloads that wait for the engine."""
        return len(self._queue)

    def receive(self, client: bytes, payload: bytes, now: float) -> list[Reply]:
        """A message of a client -> what must be answered at once."""
        if self._tolerance.ignores(client, now):
            return []
        try:
            message = read_from_device(payload)
        except ProtocolError as error:
            return [self._offended(client, error, now)]
        if not isinstance(message, Hello) and not self._clients.heard(client, now):
            return [self._estrange(client, message)]
        if isinstance(message, Offload | PartsOffload):
            return self._enqueue(client, message, now)
        return [self._answer(client, message, now)]

    def _answer(self, client: bytes, message: Hello | Ping | Probe, now: float) -> Reply:
        """What takes no engine."""
        match message:
            case Hello(model=model):
                return self._greet(client, model, now)
            case Ping(number=number):
                return _reply(client, Pong(number=number))
            case Probe(number=number):
                return _reply(client, Probed(number=number))

    def advance(self, now: float) -> list[Reply]:
        """Time passed: frames that could no longer be answered in time are dropped, and their devices told.

        Clients that were silent for long are forgotten.
        """
        while (idle := self._clients.idle(now)) is not None:
            self._forget(idle)
        return [self._refuse_work(work, "stale", "stale") for work in self._queue.drop_stale(now)]

    def next_decode(self, now: float) -> Work | None:
        """A frame for a decoder that is free and starts on it now; tell `decoded`, or `undecodable`."""
        return self._queue.next_decode(now)

    def decoded(self, work: Work, decoded: Decoded, *, decode_s: float) -> None:
        """The decoder is done with a frame, in this time; it may have been replaced or dropped meanwhile."""
        self._queue.decoded(work, decoded, decode_s)

    def undecodable(self, work: Work, text: str) -> list[Reply]:
        """The decoder could not -> the answer, unless the device was told something else meanwhile."""
        return [self._refuse_work(work, "unusable", text)] if self._queue.remove(work) else []

    def next_work(self: "ServerSession[None]", now: float) -> Work | None:
        """The next frame for an engine that is free, decodes by itself and takes one at a time."""
        work = self._queue.next_decode(now)
        if work is None:
            return None
        self._queue.decoded(work, None, 0.0)
        batch = self._queue.next_batch(now)
        return None if batch is None else batch.works[0]

    def next_batch(self, now: float) -> Batch[Decoded] | None:
        """Decoded frames for an engine that is free and starts on them now; tell `finished` or `failed` of each."""
        return self._queue.next_batch(now)

    def finished(self, work: Work, inferred: Inferred) -> Reply:
        """The engine's outcome -> the answer."""
        self._queue.done(work, inferred.inference_s)
        answered = OffloadAnswered(client=work.client, offload=work.offload, inferred=inferred, queue_s=work.queue_s)
        self._tell(answered)
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
        self._queue.done(work, None)
        return self._refuse_work(work, reason, text, by_engine=True)

    def _refuse_work(self, work: Work, reason: str, text: str, *, by_engine: bool = False) -> Reply:
        return self._refuse(work.client, work.offload.offload_id, reason, text, by_engine=by_engine)

    def _refuse(
        self, client: bytes, offload_id: int | None, reason: str, text: str, *, by_engine: bool = False
    ) -> Reply:
        """No result will come. `reason`: one of `REFUSALS`."""
        self._tell(OffloadRefused(client=client, offload_id=offload_id, reason=reason, text=text, by_engine=by_engine))
        return _reply(client, Failure(offload_id=offload_id, text=text[:MAX_TEXT], busy=reason == "busy"))

    def _estrange(self, client: bytes, message: FromDevice) -> Reply:
        """Answer one who has not greeted."""
        if isinstance(message, Offload | PartsOffload):
            text = "no greeting came before it"
            refused = OffloadRefused(client=client, offload_id=message.offload_id, reason="stranger", text=text)
            self._tell(refused)
        return _reply(client, Stranger())

    def _offended(self, client: bytes, error: ProtocolError, now: float) -> Reply:
        """Answer what is no message; the last answer for a while says so."""
        reason = "version" if isinstance(error, VersionError) else "malformed"
        if not self._tolerance.offended(client, now):
            return self._refuse(client, None, reason, str(error))
        self._tell(ClientIgnored(client=client, span_s=self._limits.ignored_s))
        text = f"{error}; it was not the first, nothing is read for {self._limits.ignored_s:g} s"
        return self._refuse(client, None, reason, text)

    def _greet(self, client: bytes, model: str, now: float) -> Reply:
        """Get to know a client, unless it asks for what does not run here, or there is no room for it."""
        welcome = self._models.get(model) if model else self._default
        if welcome is None:
            text = f"the model {model!r} does not run here; known: {', '.join(self._models)}"
            return self._refuse(client, None, "unknown_model", text)
        if not self._clients.greet(client, welcome, now):
            silent = self._clients.silent(now)
            if silent is None:
                text = f"the server is full: it serves {self._limits.clients} devices"
                return self._refuse(client, None, "full", text)
            self._forget(silent)
            self._clients.greet(client, welcome, now)
        self._tell(ClientGreeted(client=client))
        return _reply(client, welcome)

    def _forget(self, client: bytes) -> None:
        self._clients.forget(client)
        self._queue.forget(client)
        self._tell(ClientForgotten(client=client))

    def _enqueue(self, client: bytes, offload: AnyOffload, now: float) -> list[Reply]:
        replies = [_reply(client, Ack(offload_id=offload.offload_id))]
        try:
            work = _work(client, self._clients.welcome(client), offload)
        except (ProtocolError, InputError) as error:
            return [*replies, self._refuse(client, offload.offload_id, "unusable", str(error))]
        if client not in self._queue and len(self._queue) >= self._limits.waiting:
            return [*replies, self._refuse_work(work, "busy", "the server is busy")]
        superseded = self._queue.put(work, now)
        if superseded is not None:
            replies.append(self._refuse_work(superseded, "superseded", "superseded"))
        return replies


def _work(client: bytes, welcome: Welcome, offload: AnyOffload) -> Work:
    """What there is to do. Raises `ProtocolError` or `InputError` on what is too much or this model cannot do."""
    check_extent(offload)
    full_tokens = welcome.grid(offload.height, offload.width).tokens()
    tokens = _tokens(welcome, offload)
    return Work(client=client, model=welcome.model, offload=offload, tokens=tokens, full_tokens=full_tokens)


def _tokens(welcome: Welcome, offload: AnyOffload) -> int:
    """That a block of the backbone will see, of all slices."""
    if isinstance(offload, PartsOffload):
        return parts_tokens(offload, welcome.grid)
    if offload.restoration_point > welcome.subsets + 1:
        raise InputError(f"restoration points run from 0 to {welcome.subsets + 1}, got {offload.restoration_point}")
    grid = welcome.grid(offload.height, offload.width)
    tokens = seen_tokens(grid, unpack_mask(offload.mask, grid), offload.restoration_point, welcome.subsets)
    return round(tokens * overlap_factor(grid, offload.slice_regions)) if offload.slice_regions else tokens


def _reply(client: bytes, message: FromServer) -> Reply:
    return Reply(client=client, payload=encode(message))
