"""The live shell of a server: a hub, and threads for decoding and for inference, around a session.

Both run beside the loop, so that acknowledgements and heartbeats are answered while the model works; and beside each
other, so that the next batch is decoded while one runs.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from foveate.core import FoveateError, MonotonicClock
from foveate.network.transports import Hub
from foveate.server.drain import drain
from foveate.server.engine import DecodedFrame, DetectorLike, Engine, Inferred, welcome_of
from foveate.server.events import LoopTurned, Observer, ServingStarted
from foveate.server.limits import ServerLimits
from foveate.server.queue import BUDGET_TOKENS
from foveate.server.session import Reply, ServerSession
from foveate.server.telling import Telling
from foveate.server.work import Batch, Work

_LOG = logging.getLogger(__name__)
_LOOK_UP_S = 0.2
"""How often an idle server asks whether it should stop."""


def serve(
    detectors: DetectorLike | Sequence[DetectorLike],
    hub: Hub,
    *,
    stop: Callable[[], bool],
    observers: Sequence[Observer] = (),
    budget_tokens: int = BUDGET_TOKENS,
    decoders: int = 1,
    limits: ServerLimits | None = None,
) -> None:
    """Answer the devices of `hub` until `stop()` is true; tell `observers` what happens.

    `detectors`: one or several, told apart by name; the first is for devices that ask for none. `budget_tokens`: most
    tokens of frames that go through a model together, 1 = each frame alone. `decoders`: threads that decode. `limits`:
    what clients may take. Raises `InputError` on detectors of one name.
    """
    chosen = detectors if isinstance(detectors, Sequence) else [detectors]
    with LiveServer(
        chosen, hub, observers=observers, budget_tokens=budget_tokens, decoders=decoders, limits=limits
    ) as server:
        while not stop():
            server.step(_LOOK_UP_S)


class LiveServer:
    """One session on real sockets, and its threads. A context manager: leaving it waits for the batch that runs."""

    def __init__(
        self,
        detectors: Sequence[DetectorLike],
        hub: Hub,
        *,
        observers: Sequence[Observer] = (),
        budget_tokens: int = BUDGET_TOKENS,
        decoders: int = 1,
        limits: ServerLimits | None = None,
    ) -> None:
        self._clock, self._hub, self._tell = MonotonicClock(), hub, Telling(observers)
        self._engine = Engine(detectors, clock=self._clock)
        names = [detector.name for detector in detectors]
        welcomes = [welcome_of(detector, names) for detector in detectors]
        self._session: ServerSession[DecodedFrame] = ServerSession(
            *welcomes, budget_tokens=budget_tokens, limits=limits, observer=self._tell
        )
        self._decoders, self._most_decoding = ThreadPoolExecutor(decoders, thread_name_prefix="decoding"), decoders
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="inference")
        self._decoding: dict[Future[DecodedFrame], Work] = {}
        self._running: tuple[Batch[DecodedFrame], Future[list[Inferred | Exception]]] | None = None
        for welcome in welcomes:
            self._tell(ServingStarted(welcome=welcome))

    def step(self, timeout_s: float) -> None:
        """Wait for messages or for a thread, and answer all that is there."""
        first = self._hub.poll(timeout_s)
        # What is started in the turn in which it came did not wait: the turn's own microseconds are no queue.
        now, received_bytes = self._clock.now(), 0
        for client, payload in drain(self._hub, first):
            received_bytes += len(payload)
            self._send(self._session.receive(client, payload, now))
        self._collect_batch()
        self._collect_decoded()
        self._send(self._session.advance(now))
        self._start_batch(now)
        self._start_decoding(now)
        running = 0 if self._running is None else len(self._running[0].works)
        self._tell(LoopTurned(waiting=self._session.waiting, running=running, received_bytes=received_bytes))

    def _collect_decoded(self) -> None:
        for future in [future for future in self._decoding if future.done()]:
            work = self._decoding.pop(future)
            error = future.exception()
            if error is None:
                self._session.decoded(work, future.result(), decode_s=future.result().decode_s)
            else:
                self._send(self._session.undecodable(work, _explain(error, work)))

    def _collect_batch(self) -> None:
        if self._running is None or not self._running[1].done():
            return
        (batch, future), self._running = self._running, None
        for work, outcome in zip(batch.works, future.result(), strict=True):
            if isinstance(outcome, Exception):
                self._send([self._session.failed(work, _explain(outcome, work))])
            else:
                self._send([self._session.finished(work, outcome)])

    def _start_decoding(self, now: float) -> None:
        while len(self._decoding) < self._most_decoding:
            work = self._session.next_decode(now)
            if work is None:
                return
            future = self._decoders.submit(self._engine.decode, work)
            self._decoding[future] = work
            future.add_done_callback(self._wake)

    def _start_batch(self, now: float) -> None:
        batch = None if self._running is not None else self._session.next_batch(now)
        if batch is not None:
            future = self._worker.submit(self._engine.infer, batch)
            self._running = batch, future
            future.add_done_callback(self._wake)

    def _wake(self, _future: object) -> None:
        self._hub.wake()

    def _send(self, replies: list[Reply]) -> None:
        for reply in replies:
            if not self._hub.send(reply.client, reply.payload):
                _LOG.info("dropped an answer to client %s", reply.client.hex())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pool in (self._decoders, self._worker):
            pool.shutdown(cancel_futures=True)


def _explain(error: BaseException, work: Work) -> str:
    """What the device is told. An error that nobody raised on purpose is logged whole: a server outlives it."""
    if isinstance(error, FoveateError):
        return str(error)
    _LOG.error("offload %d failed", work.offload.offload_id, exc_info=error)
    return f"internal error: {error}"
