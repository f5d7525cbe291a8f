"""The live shell of a server: a hub and one worker thread around a session.

Inference runs beside the loop, so that acknowledgements and heartbeats are answered while the model works.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from foveate.core import CodecError, FoveateError, MonotonicClock, ProtocolError
from foveate.network.transports import Hub
from foveate.server.engine import DetectorLike, Engine, Inferred
from foveate.server.events import LoopTurned, Observer, ServingStarted
from foveate.server.session import Reply, ServerSession, Work
from foveate.server.telling import Telling

_LOG = logging.getLogger(__name__)
_LOOK_UP_S = 0.2
"""How often an idle server asks whether it should stop."""


def serve(detector: DetectorLike, hub: Hub, *, stop: Callable[[], bool], observers: Sequence[Observer] = ()) -> None:
    """Answer the devices of `hub` until `stop()` is true; tell `observers` what happens."""
    with ThreadPoolExecutor(1, thread_name_prefix="inference") as worker:
        server = LiveServer(Engine(detector, clock=MonotonicClock()), hub, worker, observers=observers)
        while not stop():
            server.step(_LOOK_UP_S)


class LiveServer:
    """One session on real sockets and one worker."""

    def __init__(
        self, engine: Engine, hub: Hub, worker: ThreadPoolExecutor, *, observers: Sequence[Observer] = ()
    ) -> None:
        self._engine, self._hub, self._worker = engine, hub, worker
        self._tell = Telling(observers)
        self._clock = MonotonicClock()
        welcome = engine.welcome()
        self._session = ServerSession(welcome, observer=self._tell)
        self._running: tuple[Work, Future[Inferred]] | None = None
        self._tell(ServingStarted(welcome=welcome))

    def step(self, timeout_s: float) -> None:
        """Wait for messages or for the worker, and answer all that is there."""
        item = self._hub.poll(timeout_s)
        # What is started in the turn in which it came did not wait: the turn's own microseconds are no queue.
        now, received_bytes = self._clock.now(), 0
        while item is not None:
            client, payload = item
            received_bytes += len(payload)
            self._send(self._session.receive(client, payload, now))
            item = self._hub.poll(0)
        self._collect()
        self._start(now)
        running = int(self._running is not None)
        self._tell(LoopTurned(waiting=self._session.waiting, running=running, received_bytes=received_bytes))

    def _collect(self) -> None:
        if self._running is None or not self._running[1].done():
            return
        work, future = self._running
        self._running = None
        self._send([self._answer(work, future)])

    def _answer(self, work: Work, future: Future[Inferred]) -> Reply:
        try:
            return self._session.finished(work, future.result())
        except (CodecError, ProtocolError) as error:
            return self._session.failed(work, str(error), reason="unusable")
        except FoveateError as error:
            return self._session.failed(work, str(error))
        except Exception as error:  # a server outlives a frame that its model cannot take
            _LOG.exception("offload %d failed", work.offload.offload_id)
            return self._session.failed(work, f"internal error: {error}")

    def _start(self, now: float) -> None:
        if self._running is not None:
            return
        work = self._session.next_work(now)
        if work is None:
            return
        future = self._worker.submit(self._engine.run, work.offload)
        self._running = work, future
        future.add_done_callback(lambda _: self._hub.wake())

    def _send(self, replies: list[Reply]) -> None:
        for reply in replies:
            if not self._hub.send(reply.client, reply.payload):
                _LOG.info("dropped an answer to client %s", reply.client.hex())
