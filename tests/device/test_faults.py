"""A live run that loses its server, its link or its disk in the middle, against processes of their own.

Points in time are those that the run recorded; all processes of one machine share the clock.
"""

import json
import random
import resource
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from itertools import pairwise

import pytest

from foveate.testing import write_clip
from foveate.testing.live import FOVEATE, SERVER, Process, RecordedRun, free_address, wait_until

RECOVERY_S = 2.0
"""Within it an offload must have brought a result."""
LONGEST_GAP_S = 1.0
"""Between two displays: generous, a machine may be busy."""
FPS = 30


def check_displays(run):
    """Every frame that was captured was displayed, in time, while the server was away as well."""
    indices = [event.frame.index for event in run.frames]
    assert indices == sorted(set(indices))
    assert run.result.frames == len(indices)
    assert 0 <= indices[-1] + 1 - (run.result.frames + run.result.dropped_frames) <= 1
    times = [event.displayed_at for event in run.frames]
    assert max(after - before for before, after in pairwise(times)) < LONGEST_GAP_S
    assert run.result.offloads == len(run.offloads)


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
    check_displays(run)
    assert landed_at is not None
    assert landed_at - back_at < RECOVERY_S
    return landed_at - back_at


def test_a_server_that_is_killed_and_started_again_is_used_within_two_seconds(clip_path):
    address = free_address()
    with Process(SERVER, address) as server:
        run = RecordedRun(clip_path, address)
        assert run.wait_for_offload()
        server.kill()
        time.sleep(1.0)
        server.start()
        recovered(run, time.monotonic())
    assert run.result.failed_offloads <= 2


@pytest.mark.long
def test_a_server_that_is_killed_at_any_moment_is_used_within_two_seconds(clip_path):
    """kill -9 while a frame is encoded, sent, decoded, thought about or answered; one run, ten deaths."""
    chance, address, recoveries = random.Random(3), free_address(), []
    with Process(SERVER, address) as server:
        run = RecordedRun(clip_path, address)
        for _ in range(10):
            assert run.wait_for_offload(time.monotonic())
            time.sleep(chance.uniform(0.0, 0.3))
            server.kill()
            time.sleep(chance.choice((0.0, 0.5, 3.0)))
            server.start()
            back_at = time.monotonic()
            landed_at = run.wait_for_offload(back_at)
            assert landed_at is not None
            recoveries.append(landed_at - back_at)
        run.stop()
    check_displays(run)
    print_recoveries("server killed", recoveries)
    assert max(recoveries) < RECOVERY_S


def print_recoveries(name, recoveries):
    times = ", ".join(f"{recovery:.2f}" for recovery in sorted(recoveries))
    print(f"{name}: back in use after {times} s (n = {len(recoveries)})")


@pytest.mark.parametrize(
    ("fault", "down_s"),
    [
        ("killed", 2.5),
        ("stalled", 3.0),
        pytest.param("killed", 10.0, marks=pytest.mark.long),
        pytest.param("stalled", 10.0, marks=pytest.mark.long),
    ],
)
def test_a_link_that_is_cut_for_some_seconds_is_used_within_two_seconds(clip_path, trace_path, fault, down_s):
    far, near = free_address(), free_address()
    words = ("link", "--trace", trace_path, "--server", far, "--listen", near)
    with ExitStack() as stack:
        stack.enter_context(Process(SERVER, far))
        link = stack.enter_context(Process(FOVEATE, *words))
        run = RecordedRun(clip_path, near)
        assert run.wait_for_offload()
        if fault == "killed":
            link.kill()
            time.sleep(down_s)
            link.start()
        else:
            link.signal(signal.SIGSTOP)
            time.sleep(down_s)
            link.signal(signal.SIGCONT)
        print_recoveries(f"link {fault} for {down_s:g} s", [recovered(run, time.monotonic())])


@pytest.mark.long
def test_a_link_with_an_outage_of_ten_seconds_is_used_within_two_seconds(clip_path, trace_path):
    """The relay's own outage: nothing is closed, bytes wait and pass afterwards."""
    far, near = free_address(), free_address()
    words = ("link", "--trace", trace_path, "--server", far, "--listen", near, "--outage", "3:10")
    with Process(SERVER, far), Process(FOVEATE, *words):
        started_at = time.monotonic()
        run = RecordedRun(clip_path, near)
        assert run.wait_for_offload()
        time.sleep(max(0.0, started_at + 13.0 - time.monotonic()))
        print_recoveries("link out for 10 s", [recovered(run, time.monotonic())])


def test_a_server_that_never_comes_back_leaves_a_whole_run(clip_path):
    address = free_address()
    with Process(SERVER, address) as server:
        run = RecordedRun(clip_path, address)
        assert run.wait_for_offload()
        server.signal(signal.SIGSTOP)  # the next frame is on its way when it dies
        time.sleep(0.5)
        server.kill()
        before = len(run.frames)
        give_up_at = time.monotonic() + 20
        while len(run.frames) < before + 2 * FPS and time.monotonic() < give_up_at:
            time.sleep(0.02)
        run.stop()
        check_displays(run)
    assert len(run.frames) >= before + 2 * FPS
    assert run.offloads[-1].record.failed


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits another process: Linux")
def test_a_disk_that_is_full_for_a_second_loses_no_line_and_stops_no_picture(clip_path, tmp_path):
    """The kernel refuses to let the file grow, as a full disk would, and gives way later."""
    address, out = free_address(), tmp_path / "seen.jsonl"
    words = ("device", "--camera", str(clip_path), "--server", address, "--json", str(out))
    with Process(SERVER, address):
        command = [sys.executable, "-c", FOVEATE, *words]
        device = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert wait_until(lambda: out.exists() and out.stat().st_size > 1000)
        resource.prlimit(device.pid, resource.RLIMIT_FSIZE, (out.stat().st_size + 100, resource.RLIM_INFINITY))
        time.sleep(0.5)
        refused_at_bytes = out.stat().st_size
        time.sleep(0.3)
        assert out.stat().st_size == refused_at_bytes
        resource.prlimit(device.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        _, errors = device.communicate(timeout=60)
    assert device.returncode == 0, errors
    refusal, again, summary = errors.splitlines()
    assert refusal == f"cannot write {out}: File too large; what follows waits in memory"
    assert again == f"{out} is written again, with all that waited"
    frames = [json.loads(line)["frame"] for line in out.read_text().splitlines()]
    assert frames == sorted(set(frames))
    assert summary.startswith(f"{len(frames)} frames displayed")
    assert len(frames) > FPS
