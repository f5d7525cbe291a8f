"""Several processes that render the segments of one clip."""

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

import cv2

from foveate.world.errors import RendererError, WorldError
from foveate.world.reel import Reel
from foveate.world.segments import ClipOrder, Folder

Drawn = Callable[[], None]
"""Called after each frame, whichever process has drawn it."""
_THREADS = ("LP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Read by Mesa and by the libraries under numpy when they are loaded."""


@dataclass(kw_only=True)
class _Worker:
    """A process, this end of the pipe to it, and what it does."""

    process: BaseProcess
    pipe: Connection
    segment: int | None = None

    def give(self, segment: int | None, order: ClipOrder) -> None:
        """Sends it to work, or to rest."""
        self.segment = segment
        if segment is not None:
            self.pipe.send((segment, order.segments[segment]))

    def heard(self) -> int | None:
        """The segment it has finished, or None for a frame; raises what it has raised, and when it has died."""
        try:
            message: int | Exception | None = self.pipe.recv()
        except (EOFError, ConnectionError) as error:
            self.process.join()
            raise RendererError(
                f"a rendering process ended early (exit code {self.process.exitcode}, out of memory?); "
                "the same command goes on where it stopped"
            ) from error
        if isinstance(message, Exception):
            raise message
        return message


def render_segments(order: ClipOrder, folder: Folder, segments: Sequence[int], *, processes: int, drawn: Drawn) -> None:
    """Leaves `segments` of a clip in `folder`. Raises `RendererError` when a process dies, and what one raised."""
    pending = set(segments)
    with _hired(order, folder, min(processes, len(segments))) as workers:
        for worker in workers:
            worker.give(_next(pending, None), order)
        while busy := {worker.pipe: worker for worker in workers if worker.segment is not None}:
            for pipe in wait(list(busy)):
                worker = busy[pipe]  # type: ignore[index]
                finished = worker.heard()
                if finished is None:
                    drawn()
                else:
                    worker.give(_next(pending, finished), order)


def _next(pending: set[int], last: int | None) -> int | None:
    """Takes the segment after `last`, whose exposure is known, or the middle of the longest stretch that waits."""
    if not pending:
        return None
    if last is not None and last + 1 in pending:
        chosen = last + 1
    else:
        starts = [s for s in sorted(pending) if s - 1 not in pending]
        lengths = [next(n for n in range(1, len(pending) + 1) if s + n not in pending) for s in starts]
        longest = max(range(len(starts)), key=lengths.__getitem__)
        # The first of the very first stretch has nothing before it to meter.
        fresh = last is None and starts[longest] == 0
        chosen = starts[longest] + (0 if fresh else lengths[longest] // 2)
    pending.remove(chosen)
    return chosen


@contextmanager
def _hired(order: ClipOrder, folder: Folder, count: int) -> Iterator[list[_Worker]]:
    workers: list[_Worker] = []
    try:
        workers.extend(_hire(order, folder) for _ in range(count))
        yield workers
    finally:
        for worker in workers:
            worker.process.terminate()
            worker.pipe.close()
            worker.process.join()


def _hire(order: ClipOrder, folder: Folder) -> _Worker:
    # A forked child cannot use its parent's graphics context: start afresh.
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_work, args=(there, order, folder), daemon=True)
    with _uninterrupted(), _single_threaded():
        process.start()
    # The child's end must be open in the child alone, or its death would not be heard.
    there.close()
    return _Worker(process=process, pipe=here)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Children started inside inherit that Ctrl-C is not theirs: this process ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _single_threaded() -> Iterator[None]:
    """Children started inside work with one thread each: they are the parallel work, and threads change rounding."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _work(pipe: Connection, order: ClipOrder, folder: Folder) -> None:
    """The life of a child: renders what it is told to until nobody tells it any more."""
    cv2.setNumThreads(1)
    try:
        reel = Reel(order, folder)
        while True:
            segment, numbers = pipe.recv()
            reel.shoot(segment, numbers, lambda: _tell(pipe, None))
            _tell(pipe, segment)
    except (EOFError, ConnectionError):
        return
    except WorldError as error:
        _tell(pipe, error)
    except Exception:
        # Whatever it is, the parent must learn of it.
        _tell(pipe, RuntimeError(traceback.format_exc()))


def _tell(pipe: Connection, message: int | Exception | None) -> None:
    try:
        pipe.send(message)
    except ConnectionError:
        # The parent is gone, and nobody is left to render for.
        raise SystemExit(1) from None
