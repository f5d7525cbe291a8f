"""The other processes of a live run: the server with its model, and the relay that shapes the uplink.

Each child reports the port that it listens on, and ends when the parent closes its pipe, however the parent ends.
Ctrl-C reaches the parent alone.
"""

import logging
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

import numpy as np

from foveate.core import FoveateError, TransportError
from foveate.core.interrupts import interrupts_held
from foveate.network import LinkSettings, ShapedRelay
from foveate.network.transports import ZmqHub
from foveate.server import DetectorLike, serve

HOST = "127.0.0.1"
ModelLoader = Callable[[], DetectorLike]
"""Makes the server's detector; called in the server's process, so it must be importable there by its name."""

_SPAWN = get_context("spawn")
_STOP_S = 3.0


def load_model(name: str) -> DetectorLike:
    """The detector called `name`. torch is imported here and not before."""
    from foveate.models import load_detector  # noqa: PLC0415  # the device's process must not import torch

    return load_detector(name)


class Child:
    """A spawned process that listens on a port. A context manager: leaving the block ends the process."""

    def __init__(self, name: str, target: Callable[..., None], *arguments: Any) -> None:
        self.name = name
        """What error messages call it."""
        self._pipe, other_end = _SPAWN.Pipe()
        self.process = _SPAWN.Process(target=_run_child, args=(other_end, target, *arguments), daemon=True, name=name)
        """The process itself."""
        with interrupts_held():
            self.process.start()
        other_end.close()

    def wait_for_port(self) -> int:
        """The port, once the child listens. Raises `FoveateError` with the child's own explanation if it cannot."""
        try:
            port, problem = self._pipe.recv()
        except EOFError:
            self.process.join(_STOP_S)
            raise TransportError(f"the {self.name} ended before it was ready ({self.ending})") from None
        if problem:
            raise FoveateError(f"the {self.name} could not start: {problem}")
        return int(port)

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.is_alive()

    @property
    def ending(self) -> str:
        """How it ended, in words."""
        code = self.process.exitcode
        return f"killed by signal {-code}" if code is not None and code < 0 else f"exit code {code}"

    def stop(self) -> None:
        """Ask the process to end, and make it end; a second call does nothing."""
        self._pipe.close()
        self.process.join(_STOP_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start_server(load: ModelLoader, *, frame_size: tuple[int, int], core: int | None) -> Child:
    """A server process on a free port; `core`: the one CPU core that it may use, or None for all but one."""
    return Child("server", _server_main, load, frame_size, core)


def start_relay(link: LinkSettings, *, server_port: int) -> Child:
    """A relay process in front of the server; the clock of its link starts at its first byte."""
    return Child("relay", _relay_main, link, server_port)


def _run_child(pipe: Connection, target: Callable[..., None], *arguments: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        target(pipe, *arguments)
    except (FoveateError, OSError, ImportError) as error:
        with suppress(OSError):  # a parent that has left hears nothing
            pipe.send((0, str(error)))


def _server_main(pipe: Connection, load: ModelLoader, frame_size: tuple[int, int], core: int | None) -> None:
    _choose_cores(core)
    detector = load()
    # The first inference allocates and tunes: it must not be the first measurement.
    detector.detect_batch([np.zeros((*frame_size, 3), np.uint8)])
    with ZmqHub(f"{HOST}:0") as hub:
        pipe.send((hub.port, ""))
        serve(detector, hub, stop=partial(_parent_left, pipe))


def _relay_main(pipe: Connection, link: LinkSettings, server_port: int) -> None:
    # A server that is gone is told once, by the parent.
    logging.getLogger("foveate.network").setLevel(logging.ERROR)
    target = (HOST, server_port)
    with ShapedRelay(trace=link.trace, transport=link.transport, outages=link.outages, target=target) as relay:
        pipe.send((relay.address[1], ""))
        pipe.poll(None)


def _parent_left(pipe: Connection) -> bool:
    """A parent never sends anything: a readable pipe is a closed one."""
    return pipe.poll(0)


def _choose_cores(core: int | None) -> None:
    """Before torch is imported, which counts its cores once."""
    if core is not None:
        os.sched_setaffinity(0, {core})
    threads = 1 if core is not None else max(1, (os.cpu_count() or 1) - 1)  # one core is the device's
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
