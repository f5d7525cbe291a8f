"""A live run, in processes of its own, that loses its server or its link in the middle.

Points in time are those that the run recorded; all processes of one machine share the clock.
"""

import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from itertools import pairwise

import pytest

from foveate.device import run_live
from foveate.testing import write_clip

RECOVERY_S = 2.0
"""Within it an offload must have brought a result."""
LONGEST_GAP_S = 1.0
"""Between two displays: generous, a machine may be busy."""
FPS = 30
SERVER = """
import sys
from foveate.network.transports import ZmqHub
from foveate.server import serve
from foveate.testing import FakeDetector
with ZmqHub(sys.argv[1]) as hub:
    print("ready", flush=True)
    serve(FakeDetector(inference_s=0.1), hub, stop=lambda: False)
"""
FOVEATE = "from foveate.cli.app import main; main()"


def free_address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


class Process:
    """A program that says a line when it is ready."""

    def __init__(self, program, *words):
        self.command = [sys.executable, "-c", program, *map(str, words)]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self.process.stdout.readline()

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.kill()


class Run:
    """A live run in a thread, with what it recorded."""

    def __init__(self, clip, address):
        self.frames, self.offloads, self.over = [], [], threading.Event()
        self.result, self.error = None, None
        self.thread = threading.Thread(target=self._run, args=(clip, address), daemon=True)
        self.thread.start()

    def _run(self, clip, address):
        try:
            self.result = run_live(
                clip,
                server=address,
                policy="track-b2b",
                on_frame=self.frames.append,
                on_offload=self.offloads.append,
                loop=100,
                stop=self.over.is_set,
            )
        except Exception as error:
            self.error = error

    def landed_after(self, when):
        """When the first offload after `when` brought its result, of those that were started after it."""
        done = [event.record for event in list(self.offloads) if not event.record.failed]
        return next((record.finished_at for record in done if record.started_at > when), None)

    def wait_for_offload(self, when=0.0, patience_s=20.0):
        give_up_at = time.monotonic() + patience_s
        while self.landed_after(when) is None and self.thread.is_alive() and time.monotonic() < give_up_at:
            time.sleep(0.02)
        return self.landed_after(when)

    def stop(self):
        self.over.set()
        self.thread.join(20)
        assert self.error is None
        assert not self.thread.is_alive()

    def check_displays(self):
        """Every frame that was captured was displayed, in time, while the server was away as well."""
        indices = [event.frame.index for event in self.frames]
        assert indices == sorted(set(indices))
        assert self.result.frames == len(indices)
        assert 0 <= indices[-1] + 1 - (self.result.frames + self.result.dropped_frames) <= 1
        times = [event.displayed_at for event in self.frames]
        assert max(after - before for before, after in pairwise(times)) < LONGEST_GAP_S
        assert self.result.offloads == len(self.offloads)


@pytest.fixture(scope="module")
def clip_path(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("faults") / "clip.mp4", frames=60, fps=FPS)


@pytest.fixture
def trace_path(tmp_path):
    path = tmp_path / "steady.csv"
    path.write_text("t_s,uplink_mbps,rtt_ms\n" + "".join(f"{i / 10:.1f},8.0,20.0\n" for i in range(100)))
    return path


def recovered(run, back_at):
    landed_at = run.wait_for_offload(back_at)
    run.stop()
    run.check_displays()
    assert landed_at is not None
    assert landed_at - back_at < RECOVERY_S
    return landed_at - back_at


def test_a_server_that_is_killed_and_started_again_is_used_within_two_seconds(clip_path):
    address = free_address()
    with Process(SERVER, address) as server:
        run = Run(clip_path, address)
        assert run.wait_for_offload()
        server.kill()
        time.sleep(1.0)
        server.start()
        recovered(run, time.monotonic())
    assert run.result.failed_offloads <= 2


@pytest.mark.parametrize("fault", ["killed", "stalled"])
def test_a_link_that_is_cut_for_some_seconds_is_used_within_two_seconds(clip_path, trace_path, fault):
    far, near = free_address(), free_address()
    words = ("link", "--trace", trace_path, "--server", far, "--listen", near)
    with ExitStack() as stack:
        stack.enter_context(Process(SERVER, far))
        link = stack.enter_context(Process(FOVEATE, *words))
        run = Run(clip_path, near)
        assert run.wait_for_offload()
        if fault == "killed":
            link.kill()
            time.sleep(2.5)
            link.start()
        else:
            link.signal(signal.SIGSTOP)
            time.sleep(3.0)
            link.signal(signal.SIGCONT)
        recovered(run, time.monotonic())


def test_a_server_that_never_comes_back_leaves_a_whole_run(clip_path):
    address = free_address()
    with Process(SERVER, address) as server:
        run = Run(clip_path, address)
        assert run.wait_for_offload()
        server.kill()
        before = len(run.frames)
        give_up_at = time.monotonic() + 20
        while len(run.frames) < before + 2 * FPS and time.monotonic() < give_up_at:
            time.sleep(0.02)
        run.stop()
        run.check_displays()
    assert len(run.frames) >= before + 2 * FPS
    assert run.offloads[-1].record.failed
