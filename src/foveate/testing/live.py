"""Live runs and their other ends as processes, to be killed, stopped and started again."""

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from foveate.device import Displayed, LiveRun, OffloadDone, run_live

FOVEATE = "from foveate.cli.app import main; main()"
"""A program that takes the words of the command line."""
SERVER = """
import sys
from foveate.network.transports import ZmqHub
from foveate.server import serve
from foveate.testing import FakeDetector
with ZmqHub(sys.argv[1]) as hub:
    print("ready", flush=True)
    serve(FakeDetector(inference_s=0.1), hub, stop=lambda: False)
"""
"""A server with a `FakeDetector` that thinks for 0.1 s, at the address it is given."""
DEVICE = """
import sys
from foveate.device import run_live
run_live(sys.argv[1], server=sys.argv[2], policy="track-b2b", loop=100, on_frame=lambda event: print("", flush=True))
"""
"""A device that plays a clip against a server, and says a line for each frame."""


def free_address() -> str:
    """An address of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def wait_until(true: Callable[[], bool], patience_s: float = 20.0) -> bool:
    """Whether something became true in time."""
    give_up_at = time.monotonic() + patience_s
    while not true() and time.monotonic() < give_up_at:
        time.sleep(0.02)
    return true()


class Process:
    """A program that says a line when it is ready; a context manager that kills it."""

    def __init__(self, program: str, *words: object) -> None:
        self._command = [sys.executable, "-c", program, *map(str, words)]
        self.start()

    def start(self) -> None:
        """Start it, for the first time or again."""
        self.process = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603
        assert self.process.stdout is not None
        assert self.process.stdout.readline()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it at once, as a crash would; it has no chance to say a word."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


class RecordedRun:
    """A live run in a thread, with what it displayed and offloaded. All processes of one machine share the clock."""

    def __init__(self, clip: Path, address: str, **options: Any) -> None:
        self.frames: list[Displayed] = []
        self.offloads: list[OffloadDone] = []
        self.result: LiveRun | None = None
        self.error: Exception | None = None
        self._over = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(clip, address, options), daemon=True)
        self.thread.start()

    def landed_after(self, when: float) -> float | None:
        """When the first offload after `when` brought its result, of those that were started after it."""
        done = [event.record for event in list(self.offloads) if not event.record.failed]
        return next((record.finished_at for record in done if record.started_at > when), None)

    def wait_for_offload(self, when: float = 0.0, patience_s: float = 20.0) -> float | None:
        """The same, once it is there; None if it does not come in time."""
        wait_until(lambda: self.landed_after(when) is not None or not self.thread.is_alive(), patience_s)
        return self.landed_after(when)

    def stop(self) -> None:
        """End the run; raises what ended it before."""
        self._over.set()
        self.thread.join(20)
        if self.error is not None:
            raise self.error
        assert not self.thread.is_alive()

    def _run(self, clip: Path, address: str, options: dict[str, Any]) -> None:
        try:
            self.result = run_live(
                clip,
                server=address,
                policy="track-b2b",
                on_frame=self.frames.append,
                on_offload=self.offloads.append,
                loop=100,
                stop=self._over.is_set,
                **options,
            )
        except Exception as error:  # raised by `stop`
            self.error = error
