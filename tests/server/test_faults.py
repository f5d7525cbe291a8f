"""A live server whose clients die, stop, or never read; and one whose weights are damaged under it."""

import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from foveate.codec import encode_frame
from foveate.core import OffloadPlan
from foveate.network.messages import Hello, Offload, Ping, encode
from foveate.network.transports import ZmqHub
from foveate.server import ClientForgotten, OffloadAnswered, ServerLimits, serve
from foveate.testing import FakeDetector, moving_squares, write_clip
from foveate.testing.live import DEVICE, FOVEATE, Process, RecordedRun, free_address, wait_until
from foveate.testing.transports import speak_zmtp, zmtp_frame

PIXELS = next(moving_squares(1))
GRID = FakeDetector().region_grid(*PIXELS.shape[:2])


@contextmanager
def served(*, silence_s=30.0, limits=None, inference_s=0.05):
    """A server in a thread: its port, and the events that it told."""
    events, stop = [], threading.Event()
    with ZmqHub("127.0.0.1:0", silence_s=silence_s) as hub:
        detector = FakeDetector(inference_s=inference_s)
        options = {"stop": stop.is_set, "observers": [events.append], "limits": limits}
        thread = threading.Thread(target=serve, args=(detector, hub), kwargs=options)
        thread.start()
        try:
            yield hub.port, events
        finally:
            stop.set()
            thread.join(20)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def clip_path(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("faults") / "clip.mp4", frames=60, fps=30)


def message(number):
    encoded = encode_frame(PIXELS, grid=GRID, quality=90)
    return encode(
        Offload.of(
            OffloadPlan(),
            offload_id=number,
            frame_index=number,
            grid=GRID,
            score_threshold=0.5,
            patience_s=5.0,
            full=encoded.full,
            low=b"",
        )
    )


def answered(events):
    return {event.client for event in list(events) if isinstance(event, OffloadAnswered)}


@pytest.mark.parametrize("deaths", [2, pytest.param(10, marks=pytest.mark.long)])
def test_clients_that_are_killed_at_any_moment_disturb_nobody_and_are_forgotten(clip_path, deaths):
    chance, limits = random.Random(5), ServerLimits(idle_s=1.0)
    with served(limits=limits) as (port, events):
        run = RecordedRun(clip_path, f"127.0.0.1:{port}")
        assert run.wait_for_offload()
        for _ in range(deaths):
            before = len(answered(events))
            with Process(DEVICE, clip_path, f"127.0.0.1:{port}"):
                assert wait_until(lambda before=before: len(answered(events)) > before)
                time.sleep(chance.uniform(0.0, 0.2))
        assert wait_until(lambda: sum(isinstance(event, ClientForgotten) for event in events) >= deaths)
        assert run.wait_for_offload(time.monotonic())
        run.stop()
    assert run.result.failed_offloads <= 1  # the last one, which the end of the run cut off


def test_a_client_that_is_stopped_is_forgotten_and_is_served_again_when_it_goes_on(clip_path):
    """A machine that vanishes and returns: its connection stays half open until the server lets it go."""
    with (
        served(silence_s=1.0, limits=ServerLimits(idle_s=1.0)) as (port, events),
        Process(DEVICE, clip_path, f"127.0.0.1:{port}") as device,
    ):
        assert wait_until(lambda: answered(events))
        device.signal(signal.SIGSTOP)
        assert wait_until(lambda: any(isinstance(event, ClientForgotten) for event in events))
        time.sleep(1.0)
        before = sum(isinstance(event, OffloadAnswered) for event in events)
        device.signal(signal.SIGCONT)
        assert wait_until(lambda: sum(isinstance(event, OffloadAnswered) for event in events) > before)
        assert len(answered(events)) == 2  # the old connection is gone: the device has made a new one


def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads memory from /proc")
def test_a_client_that_never_reads_fills_no_memory_and_disturbs_nobody(clip_path):
    with served(inference_s=0.0) as (port, events):
        run = RecordedRun(clip_path, f"127.0.0.1:{port}")
        assert run.wait_for_offload()
        mute = speak_zmtp(("127.0.0.1", port), encode(Hello()))
        mute.settimeout(5.0)
        talk = zmtp_frame(message(1)) + zmtp_frame(encode(Ping(number=1))) * 2000
        grown_from = resident_bytes()
        for _ in range(20):  # 40,000 answers of which none is read
            mute.sendall(talk)
        assert wait_until(lambda: len(answered(events)) == 2)
        assert run.wait_for_offload(time.monotonic() + 1.0)
        grown = resident_bytes() - grown_from
        run.stop()
        mute.close()
    assert grown < 64 * 2**20
    assert run.result.failed_offloads <= 1


def serve_command(model, address):
    return [sys.executable, "-c", FOVEATE, "serve", "--model", str(model), "--address", address]


def damage(path, how):
    data = path.read_bytes()
    if how == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif how == "noise":
        path.write_bytes(np.random.default_rng(0).bytes(len(data)))
    else:
        path.write_bytes(b"")


LONG = pytest.mark.long


@pytest.mark.parametrize("how", ["truncated", pytest.param("noise", marks=LONG), pytest.param("empty", marks=LONG)])
def test_damaged_weights_are_one_line_and_an_exit_code(tmp_path, tiny_weights, how):
    path = tmp_path / "model.safetensors"
    shutil.copy(tiny_weights, path)
    damage(path, how)
    done = subprocess.run(serve_command(path, free_address()), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert str(path) in line
    assert done.stdout == ""


@pytest.mark.long
def test_weights_that_are_damaged_under_a_running_server_do_not_touch_it(tmp_path, tiny_weights):
    path, address = tmp_path / "model.safetensors", free_address()
    shutil.copy(tiny_weights, path)
    clip = write_clip(tmp_path / "clip.mp4", frames=10)
    with Process(FOVEATE, *serve_command(path, address)[3:]) as server:
        damage(path, "truncated")
        run = RecordedRun(clip, address)
        assert run.wait_for_offload(patience_s=60.0)
        damage(path, "noise")
        assert run.wait_for_offload(time.monotonic(), patience_s=60.0)
        run.stop()
        assert server.process.poll() is None


def test_a_flood_of_connections_that_say_nothing_keeps_nobody_out(clip_path):
    with served() as (port, _):
        idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(200)]
        run = RecordedRun(clip_path, f"127.0.0.1:{port}")
        assert run.wait_for_offload()
        run.stop()
        for connection in idle:
            connection.close()
