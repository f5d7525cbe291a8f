"""The live shell of a server whose engine is elsewhere: a hub and a session here, replicas that are asked by handle.

What is asked waits in a loop of its own, so that acknowledgements and heartbeats are answered meanwhile. Whatever
happens to a replica, the offloads that it had are answered as failed at once and nothing else is lost.
"""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from types import TracebackType
from typing import Self

from foveate.core import MonotonicClock
from foveate.network.messages import Welcome
from foveate.network.transports import Hub
from foveate.server.cluster.outcome import Outcome
from foveate.server.drain import drain
from foveate.server.events import LoopTurned, Observer, ServingStarted
from foveate.server.limits import ServerLimits
from foveate.server.session import Reply, ServerSession
from foveate.server.telling import Telling
from foveate.server.work import Work

_LOG = logging.getLogger(__name__)
Ask = Callable[[Work], Awaitable[Outcome]]
"""Hands an offload to some replica of its model. Raises whatever it likes where that is lost."""


_LOOK_UP_S = 0.2
"""How often an idle gateway asks whether it should stop."""


def serve_models(
    models: Mapping[str, tuple[Welcome, Ask]],
    hub: Hub,
    *,
    most_asked: int,
    stop: Callable[[], bool],
    observers: Sequence[Observer] = (),
    limits: ServerLimits | None = None,
) -> None:
    """Answer the devices of `hub` by replicas until `stop()` is true; as `Gateway` explains."""
    with Gateway(models, hub, most_asked=most_asked, observers=observers, limits=limits) as gateway:
        while not stop():
            gateway.step(_LOOK_UP_S)


class Gateway:
    """`models`: how each is described and asked; the first is for devices that name none.

    `most_asked`: offloads that are with replicas at the same time; the others wait here, where a newer frame of their
    device replaces them and their deadline is watched. A context manager.
    """

    def __init__(
        self,
        models: Mapping[str, tuple[Welcome, Ask]],
        hub: Hub,
        *,
        most_asked: int,
        observers: Sequence[Observer] = (),
        limits: ServerLimits | None = None,
    ) -> None:
        self._clock, self._hub, self._tell = MonotonicClock(), hub, Telling(observers)
        self._asks = {name: ask for name, (_, ask) in models.items()}
        welcomes = [_beside(welcome, list(models)) for welcome, _ in models.values()]
        self._session: ServerSession[None] = ServerSession(*welcomes, observer=self._tell, limits=limits)
        self._most_asked = most_asked
        self._asked: dict[Future[Outcome], tuple[Work, float]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="asking", daemon=True)
        self._thread.start()
        for welcome in welcomes:
            self._tell(ServingStarted(welcome=welcome))

    def step(self, timeout_s: float) -> None:
        """Wait for messages or for a replica, and answer all that is there."""
        first = self._hub.poll(timeout_s)
        now, received_bytes = self._clock.now(), 0
        for client, payload in drain(self._hub, first):
            received_bytes += len(payload)
            self._send(self._session.receive(client, payload, now))
        self._collect()
        self._send(self._session.advance(now))
        self._ask_replicas(now)
        turned = LoopTurned(waiting=self._session.waiting, running=len(self._asked), received_bytes=received_bytes)
        self._tell(turned)

    def close(self) -> None:
        """Ask nobody any more; what is asked is given up."""
        asyncio.run_coroutine_threadsafe(_cancel_others(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask_replicas(self, now: float) -> None:
        while len(self._asked) < self._most_asked:
            work = self._session.next_work(now)
            if work is None:
                return
            future = asyncio.run_coroutine_threadsafe(self._ask(work), self._loop)
            self._asked[future] = work, self._clock.now()
            future.add_done_callback(lambda _: self._hub.wake())

    async def _ask(self, work: Work) -> Outcome:
        """The outcome, whatever becomes of the replica, in the time that the device waits."""
        try:
            async with asyncio.timeout(max(0.0, work.offload.patience_s - work.queue_s)):
                return await self._asks[work.model](work)
        except TimeoutError:
            return Outcome(reason="failed", text="no replica answered in time")
        except Exception as error:  # whatever a cluster raises, a gateway outlives it
            _LOG.warning("offload %d was lost with its replica: %s", work.offload.offload_id, _first_line(error))
            return Outcome(reason="failed", text=f"its replica was lost ({type(error).__name__})")

    def _collect(self) -> None:
        for future in [future for future in self._asked if future.done()]:
            work, asked_at = self._asked.pop(future)
            self._send([self._answer(work, future.result(), self._clock.now() - asked_at)])

    def _answer(self, work: Work, outcome: Outcome, away_s: float) -> Reply:
        inferred = outcome.inferred
        if inferred is None:
            return self._session.failed(work, outcome.text, reason=outcome.reason)
        # What was away and neither decoded nor inferred waited: for a batch, a replica, or on the cluster's network.
        waited_s = max(0.0, away_s - inferred.decode_s - inferred.inference_s)
        return self._session.finished(replace(work, queue_s=work.queue_s + waited_s), inferred)

    def _send(self, replies: list[Reply]) -> None:
        for reply in replies:
            if not self._hub.send(reply.client, reply.payload):
                _LOG.info("dropped an answer to client %s", reply.client.hex())


async def _cancel_others() -> None:
    """End all that runs in this loop."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _beside(welcome: Welcome, names: list[str]) -> Welcome:
    """The description of a model beside which these run."""
    fields = {name: getattr(welcome, name) for name in welcome.__struct_fields__}
    return Welcome(**(fields | {"models": names}))


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
