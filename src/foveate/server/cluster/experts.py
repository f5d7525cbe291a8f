"""Experts as deployments of Ray Serve, one for each, in place of processes of this machine."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from uuid import uuid4

from foveate.core import FoveateError
from foveate.server.cluster.deployment import Cluster, last_error
from foveate.server.expert_session import Batch, BatchOutcome
from foveate.server.expert_worker import ExpertRunner, LoadExpert, OnOutcome

_LOG = logging.getLogger(__name__)


class ClusterExpert:
    """One expert on a cluster, an `ExpertRunner`. Ray starts a replica that is lost anew, so it never dies for good.

    What a lost replica was at is lost with it: those samples are answered for by their devices' generalist.
    """

    def __init__(
        self,
        cluster: Cluster,
        name: str,
        load: LoadExpert,
        *,
        size: tuple[int, int],
        on_outcome: OnOutcome,
        on_death: Callable[[ExpertRunner], None],  # noqa: ARG002  # part of the contract
    ) -> None:
        self.name = name
        self._cluster, self._load, self._size, self._on_outcome = cluster, load, size, on_outcome
        # An application of its own, whoever else uses the cluster: one that is replaced answers until this is ready.
        self._application = f"expert-{name}-{uuid4().hex[:8]}"
        self._asking = ThreadPoolExecutor(1, thread_name_prefix=f"expert {name}")
        self._handle: Any = None

    def wait_until_ready(self) -> None:
        """Until the model is loaded. Raises `FoveateError` with the node's own explanation if it cannot be."""
        try:
            self._handle = self._cluster.start_expert(self._application, self._load, self._size)
        except FoveateError as error:
            raise FoveateError(f"expert {self.name} could not start: {error}") from error

    def submit(self, batch: Batch) -> None:
        """Hand over a batch; one at a time. One that comes after `stop` is lost: whoever stopped it tells of that."""
        with suppress(RuntimeError):
            self._asking.submit(self._ask, batch)

    def kill(self) -> None:
        """End its replica as a crash would."""
        self._handle.die.remote()

    def stop(self) -> None:
        """Take it from the cluster; a second call does nothing."""
        self._asking.shutdown(wait=False, cancel_futures=True)
        self._cluster.remove(self._application)

    def _ask(self, batch: Batch) -> None:
        outcome: BatchOutcome | None = None
        try:
            outcome = self._handle.answer.remote(batch.pictures).result()
        except Exception as error:  # whatever a cluster raises, a gateway outlives it; the devices are told
            _LOG.warning("expert %s lost a batch of %d: %s", self.name, len(batch.pictures), last_error(str(error)))
        self._on_outcome(batch, outcome)
