"""The same tasks over a Ray cluster (extra `ray`)."""

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Self

from foveate.core import FoveateError
from foveate.evaluation.lab.workers import Done, Task, attempt


class RayWorkers:
    """One task per CPU of a cluster. Its nodes need foveate, and the files of the experiment under the same paths.

    With a shared `$FOVEATE_HOME` nothing is computed twice; without, each node fills its own. `address`: of a running
    cluster, `auto`, or `local` for one that is started here. Raises `FoveateError` without Ray or without a cluster.
    """

    def __init__(self, address: str, *, count: int | None = None) -> None:
        self._ray = _import_ray()
        try:
            here = {"num_cpus": count} if address == "local" else {}
            self._ray.init(
                address=address, log_to_driver=False, configure_logging=False, include_dashboard=False, **here
            )
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise FoveateError(f"no Ray cluster at {address}: {str(error).splitlines()[0]}") from error
        cpus = int(self._ray.cluster_resources().get("CPU", 1))
        self._count = max(1, cpus if count is None else min(count, cpus))
        self._attempt = self._ray.remote(num_cpus=1, max_retries=0)(attempt)

    @property
    def count(self) -> int:
        """How many run at once."""
        return self._count

    def run(self, tasks: Iterable[Task]) -> Iterator[Done]:
        """All of them; no more are handed over at once than run."""
        waiting = enumerate(tasks)
        running: dict[Any, int] = {}
        while True:
            while len(running) < self._count and (task := next(waiting, None)) is not None:
                running[self._attempt.remote(*task)] = task[0]
            if not running:
                return
            finished, _ = self._ray.wait(list(running), num_returns=1)
            for reference in finished:
                yield self._collect(reference, running.pop(reference))

    def _collect(self, reference: Any, index: int) -> Done:
        try:
            done: Done = self._ray.get(reference)
        except Exception as error:  # Ray's own errors: a worker or a node that was lost
            return Done(index=index, problem=f"its process ended ({type(error).__name__})", traceback=str(error))
        return done

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ray.shutdown()


def _import_ray() -> Any:
    try:
        import ray  # noqa: PLC0415  # only a cluster needs it
    except ImportError as error:
        raise FoveateError("a cluster needs ray: pip install 'foveate[ray]'") from error
    return ray
