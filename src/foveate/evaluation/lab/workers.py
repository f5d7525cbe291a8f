"""Spreads tasks over processes of this machine. A task that fails, or a process that dies, costs that task alone."""

import os
import signal
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Protocol, Self

from foveate.core import FoveateError
from foveate.core.interrupts import interrupts_held

_SPAWN = get_context("spawn")
_STOP_S = 3.0


@dataclass(frozen=True, kw_only=True)
class Task:
    """A call. Function and arguments must be importable and picklable: both come from this program alone."""

    call: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    name: str = ""
    """For people."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """What came of a task."""

    index: int
    """Of the task in its list."""
    value: Any = None
    problem: str = ""
    """One line; empty if it succeeded."""
    traceback: str = ""
    """Whatever else is known of a problem."""
    seconds: float = 0.0


class Workers(Protocol):
    """Somewhere to run tasks."""

    @property
    def count(self) -> int:
        """How many run at once."""
        ...

    def run(self, tasks: Iterable[Task]) -> Iterator[Done]:
        """All of them, in the order in which they are done. None is asked for before somebody is free to do it."""
        ...


def attempt(index: int, task: Task) -> Done:
    """Make the call; a failure is an answer as well."""
    started_at = time.monotonic()
    try:
        value = task.call(*task.arguments)
    except FoveateError as error:
        return Done(index=index, problem=str(error), traceback=traceback.format_exc())
    except Exception as error:  # whatever it is, the rest goes on
        line = f"{type(error).__name__}: {error}".splitlines()[0]
        return Done(index=index, problem=line, traceback=traceback.format_exc())
    return Done(index=index, value=value, seconds=time.monotonic() - started_at)


def begun_before(deadline: float, tasks: Iterable[Task]) -> Iterator[Task]:
    """Those that are asked for before `deadline`, in seconds of `time.monotonic()`."""
    return takewhile(lambda _: time.monotonic() < deadline, tasks)


class ThisProcess:
    """The tasks themselves, one after the other, here: for what holds things that no other process should load."""

    count = 1

    def run(self, tasks: Iterable[Task]) -> Iterator[Done]:
        """All of them, in their order."""
        for index, task in enumerate(tasks):
            yield attempt(index, task)


class LocalWorkers:
    """`count` processes with one thread of arithmetic each. A context manager: leaving it ends them."""

    def __init__(self, count: int | None = None) -> None:
        self._count = available_cores() if count is None else max(1, count)
        self._members: list[_Member] = []

    @property
    def count(self) -> int:
        """How many run at once."""
        return self._count

    def run(self, tasks: Iterable[Task]) -> Iterator[Done]:
        """All of them; those that come first are begun first."""
        waiting = enumerate(tasks)
        while True:
            self._hand_out(waiting)
            pipes = {member.pipe: member for member in self._members if member.busy}
            if not pipes:
                return
            for pipe in wait(list(pipes)):
                member = pipes[pipe]  # type: ignore[index]  # wait() gives back what it was given
                yield member.collect()
                if not member.alive:
                    member.stop()
                    self._members.remove(member)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for member in self._members:
            member.stop()
        self._members.clear()

    def _hand_out(self, waiting: Iterator[tuple[int, Task]]) -> None:
        while (member := self._free()) is not None or len(self._members) < self._count:
            task = next(waiting, None)
            if task is None:
                return
            if member is None:
                member = _Member()
                self._members.append(member)
            member.give(*task)

    def _free(self) -> "_Member | None":
        return next((member for member in self._members if not member.busy), None)


@dataclass(eq=False)
class _Member:
    """One process and what it works on."""

    pipe: Connection = field(init=False)
    alive: bool = field(default=True, init=False)
    _index: int | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.pipe, other_end = _SPAWN.Pipe()
        with _single_threaded(), interrupts_held():
            self._process = _SPAWN.Process(target=_serve, args=(other_end,), daemon=True, name="lab-worker")
            self._process.start()
        other_end.close()

    @property
    def busy(self) -> bool:
        return self._index is not None

    def give(self, index: int, task: Task) -> None:
        self._index = index
        try:
            self.pipe.send((index, task))
        except OSError:
            self.alive = False  # noticed again by `collect`, which reads the end of the pipe

    def collect(self) -> Done:
        """The answer; the end of the process is one."""
        index, self._index = self._index, None
        assert index is not None
        try:
            done: Done = self.pipe.recv()
        except (EOFError, OSError):
            self.alive = False
            self._process.join(_STOP_S)
            return Done(index=index, problem=f"its process ended ({self._ending})")
        return done

    def stop(self) -> None:
        """Ask the process to end, and make it end."""
        self.pipe.close()
        if self._index is not None:  # it works on something that nobody waits for
            self._process.terminate()
        self._process.join(_STOP_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    @property
    def _ending(self) -> str:
        code = self._process.exitcode
        return f"killed by signal {-code}" if code is not None and code < 0 else f"exit code {code}"


def available_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _single_threaded:  # noqa: N801  # reads as a statement
    """Children that are started inside find one thread of arithmetic each: the cores are taken by their siblings."""

    _NAMES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

    def __enter__(self) -> None:
        self._before = {name: os.environ.get(name) for name in self._NAMES}
        for name in self._NAMES:
            os.environ[name] = "1"

    def __exit__(self, *error: object) -> None:
        for name, value in self._before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _serve(pipe: Connection) -> None:
    """A worker's life: tasks in, answers out, until the pipe is closed. Ctrl-C reaches the parent alone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import cv2  # noqa: PLC0415  # in the child only

    cv2.setNumThreads(1)
    while True:
        try:
            index, task = pipe.recv()
        except (EOFError, OSError):
            return
        pipe.send(attempt(index, task))
