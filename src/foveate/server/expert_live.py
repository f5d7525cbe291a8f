"""The live shell of a server of experts: a hub, a session, and for each expert a process, or a deployment."""

import logging
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Lock

from foveate.core import ExpertCard, FoveateError, MonotonicClock
from foveate.network.transports import Hub
from foveate.server.drain import drain
from foveate.server.expert_session import Batch, Batching, BatchOutcome, ExpertServerSession
from foveate.server.expert_worker import ExpertRunner, ExpertWorker, LoadExpert, StartExpert
from foveate.server.session import Reply

_LOG = logging.getLogger(__name__)
_LOOK_UP_S = 0.1


class ExpertServer:
    """Answers the devices of `hub`; experts come and go through `deploy` and `withdraw`, from any thread."""

    def __init__(
        self,
        hub: Hub,
        *,
        classes: int,
        size: tuple[int, int],
        batching: Batching | None = None,
        start: StartExpert = ExpertWorker,
    ) -> None:
        """`size`: height and width of pictures, pixels. `start`: where experts run; default: processes of their own."""
        self._hub, self._size, self._clock, self._start = hub, size, MonotonicClock(), start
        self._session = ExpertServerSession(classes, batching=batching)
        self._workers: dict[str, ExpertRunner] = {}
        self._calls: SimpleQueue[Callable[[], list[Reply]]] = SimpleQueue()
        self._lock = Lock()

    def deploy(self, card: ExpertCard, load: LoadExpert) -> None:
        """Start an expert, or one in the place of another: the old one answers until the new one is ready.

        Raises `InputError` for classes out of range, `FoveateError` if it cannot start.
        """
        self._session.check(card)
        worker = self._start(card.name, load, size=self._size, on_outcome=self._outcome, on_death=self._died)
        try:
            worker.wait_until_ready()
        except FoveateError:
            worker.stop()
            raise
        with self._lock:
            old, self._workers[card.name] = self._workers.get(card.name), worker
            self._call(lambda: self._session.deploy(card))
        if old is not None:
            old.stop()

    def withdraw(self, name: str) -> None:
        """Take an expert away. Raises `FoveateError` for an unknown one."""
        with self._lock:
            worker = self._worker(name)
            del self._workers[name]
            self._call(lambda: self._session.withdraw(name, reason="its expert was taken away"))
        worker.stop()

    def kill(self, name: str) -> None:
        """End an expert as a crash would: for tests and drills. Raises `FoveateError` for an unknown one."""
        with self._lock:
            worker = self._worker(name)
        worker.kill()

    def serve(self, stop: Callable[[], bool]) -> None:
        """Answer until `stop()` is true, then end all experts."""
        try:
            while not stop():
                self.step(_LOOK_UP_S)
        finally:
            with self._lock:
                workers = list(self._workers.values())
            for worker in workers:
                worker.stop()

    def step(self, timeout_s: float) -> None:
        """Wait for messages or experts, and answer all that is there."""
        due_at = self._session.due_at
        wait_s = timeout_s if due_at is None else min(timeout_s, max(due_at - self._clock.now(), 0.0))
        for client, payload in drain(self._hub, self._hub.poll(wait_s)):
            self._send(self._session.receive(client, payload, self._clock.now()))
        self._make_calls()
        while (batch := self._session.next_batch(self._clock.now())) is not None:
            self._submit(batch)

    def _submit(self, batch: Batch) -> None:
        with self._lock:
            worker = self._workers.get(batch.expert)
        if worker is None:
            self._send(self._session.failed(batch, "its expert is gone"))
        else:
            worker.submit(batch)

    def _worker(self, name: str) -> ExpertRunner:
        """Called with the lock held."""
        if name not in self._workers:
            raise FoveateError(f"no expert {name!r}; there are {', '.join(self._workers) or 'none'}")
        return self._workers[name]

    def _outcome(self, batch: Batch, outcome: BatchOutcome | None) -> None:
        if outcome is None:
            self._call(lambda: self._session.failed(batch, "its expert was lost"))
        else:
            self._call(lambda: self._session.finished(batch, outcome))

    def _died(self, worker: ExpertRunner) -> None:
        with self._lock:
            if self._workers.get(worker.name) is not worker:
                return
            del self._workers[worker.name]
            self._call(lambda: self._session.withdraw(worker.name, reason="its expert died"))
        _LOG.warning("expert %s died", worker.name)

    def _call(self, call: Callable[[], list[Reply]]) -> None:
        """Have the loop make a call: the session belongs to it alone.

        What follows from a change of workers is called with the lock held, so that the session sees the same order.
        """
        self._calls.put(call)
        self._hub.wake()

    def _make_calls(self) -> None:
        while True:
            try:
                call = self._calls.get_nowait()
            except Empty:
                return
            self._send(call())

    def _send(self, replies: list[Reply]) -> None:
        for reply in replies:
            if not self._hub.send(reply.client, reply.payload):
                _LOG.info("dropped an answer to client %s", reply.client.hex())
