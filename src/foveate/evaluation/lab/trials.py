"""Tasks under a progress bar: what fails is printed as it comes, and kept; the rest goes on."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from rich.console import Console

from foveate.evaluation.lab.meter import Meter
from foveate.evaluation.lab.store import Failure
from foveate.evaluation.lab.workers import Done, Task, Workers, begun_before


@dataclass(frozen=True, kw_only=True)
class Trials:
    """Where the tasks of a comparison run, and what did not work so far."""

    workers: Workers
    console: Console
    failures: list[Failure] = field(default_factory=list)

    def run(self, what: str, tasks: Iterable[Task], total: int, *, deadline: float = math.inf) -> Iterator[Done]:
        """Those that succeed; none is begun from `deadline` on, in seconds of `time.monotonic()`.

        `tasks` may be made as they are asked for; `total`: how many there are.
        """
        if not total:
            return
        names: list[str] = []
        with Meter(self.console, what, total) as meter:
            for done in self.workers.run(begun_before(deadline, _named(tasks, names))):
                meter.done()
                if not done.problem:
                    yield done
                    continue
                name = names[done.index]
                self.failures.append(Failure(what=name, problem=done.problem, traceback=done.traceback))
                self.console.print(f"failed: {name}: {done.problem}", style="red", markup=False)

    @property
    def problems(self) -> str:
        """All of them in one line."""
        return "; ".join(f"{failure.what}: {failure.problem}" for failure in self.failures)


def _named(tasks: Iterable[Task], names: list[str]) -> Iterator[Task]:
    for task in tasks:
        names.append(task.name)
        yield task
