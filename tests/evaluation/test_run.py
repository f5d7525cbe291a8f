"""The main job with processes, sockets and a shaped link; a fake detector stands in for the model."""

import csv
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from foveate.codec import VideoReader
from foveate.core import FoveateError, InputError, MediaError, TransportError
from foveate.estimators import write_profile
from foveate.evaluation import RunSettings, run_job
from foveate.evaluation.play import pinned_to, two_cores
from foveate.evaluation.processes import Child
from foveate.network import Outage, UplinkTrace
from foveate.testing import FakeDetector, write_clip
from foveate.testing.profiles import round_profile

FRAMES = 45
KEYS = {
    "video", "trace", "trace_offset_s", "policy", "policy_parameters", "model", "score_threshold", "truth_model",
    "profile", "machine", "simulated", "seed", "version", "frames", "dropped_frames", "offloads", "failed_offloads",
    "rendering_f1", "inference_f1", "e2e_latency_s", "stages_s", "offload_interval_frames", "bytes_per_offload",
}  # fmt: skip
"""What every `summary.json` holds at least."""


@pytest.fixture(scope="module")
def clip_path(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("run") / "clip.mp4", frames=FRAMES, fps=30)


@pytest.fixture(scope="module")
def trace_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("trace") / "steady.csv"
    path.write_text("t_s,uplink_mbps,rtt_ms\n" + "".join(f"{i / 10:.1f},8.0,20.0\n" for i in range(100)))
    return path


@pytest.fixture
def settings(clip_path, trace_path, tmp_path):
    return partial(
        RunSettings,
        video=clip_path,
        trace=trace_path,
        policy="fixed:beta=2,quality=80",
        out=tmp_path / "out",
        model="fake",
    )


def go(settings, load=FakeDetector):
    return run_job(settings, load=load, console=Console(file=StringIO()))


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_main_job_leaves_a_complete_report(settings, tmp_path):
    summary = go(settings(loop=2))
    out = tmp_path / "out"
    assert json.loads((out / "summary.json").read_text()) == summary
    assert summary.keys() >= KEYS
    assert summary["frames"] + summary["dropped_frames"] == 2 * FRAMES - 1
    assert (summary["policy"], summary["policy_parameters"]) == ("fixed", {"beta": 2, "quality": 80})
    assert (summary["truth_model"], summary["simulated"], summary["profile"]) == ("fake", False, None)
    assert summary["inference_f1"] > 0.9
    assert 0 < summary["rendering_f1"] <= 1
    frames, offloads = rows(out / "frames.csv"), rows(out / "offloads.csv")
    assert len(frames) == summary["frames"]
    assert len(offloads) == summary["offloads"] > 1
    assert max(int(row["downsampled_regions"]) for row in offloads) > 0
    for row in offloads:
        stages = ("encode_s", "uplink_s", "queue_s", "decode_s", "inference_s", "downlink_s")
        assert sum(float(row[name]) for name in stages) == pytest.approx(float(row["e2e_latency_s"]), abs=1e-5)
        assert min(float(row[name]) for name in stages) >= 0
    with VideoReader(out / "annotated.mp4") as reader:
        assert len(list(reader)) == 1 + int(frames[-1]["frame"])


def test_a_live_run_goes_over_the_link_that_it_was_asked_for(settings, tmp_path):
    cut = Outage(start_s=0.8, seconds=0.6)
    summary = go(settings(transport="tcp", outages=(cut,), with_truth=False, with_video=False, policy="back2back"))
    assert (summary["transport"], summary["outages"]) == ("tcp", [{"start_s": 0.8, "seconds": 0.6}])
    assert summary["frames"] + summary["dropped_frames"] == FRAMES
    assert summary["failed_offloads"] == 0
    spans = [float(row["e2e_latency_s"]) for row in rows(tmp_path / "out" / "offloads.csv")]
    assert max(spans) > 0.3  # one waited for the link
    assert "link_rtt_s" not in rows(tmp_path / "out" / "offloads.csv")[0]


def test_without_truth_and_video_there_are_neither(settings, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "annotated.mp4").write_bytes(b"of an earlier run")
    summary = go(settings(with_truth=False, with_video=False, policy="back2back"))
    assert (summary["truth_model"], summary["rendering_f1"], summary["inference_f1"]) == (None, None, None)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["frames.csv", "offloads.csv", "summary.json"]


def test_a_killed_server_leaves_a_complete_report_and_one_clear_line(settings, tmp_path):
    def kill() -> None:
        offloads, give_up_at = tmp_path / "out" / "offloads.csv", time.monotonic() + 60
        while not (offloads.exists() and rows(offloads)) and time.monotonic() < give_up_at:
            time.sleep(0.01)
        (server,) = (child for child in multiprocessing.active_children() if child.name == "server")
        os.kill(server.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(TransportError, match=r"the server ended \(killed by signal 9\) during the run"):
        go(settings(loop=3))
    killer.join()
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["frames"] + summary["dropped_frames"] == 3 * FRAMES - 2
    assert summary["failed_offloads"] > 0
    assert summary["rendering_f1"] is not None
    assert (tmp_path / "out" / "annotated.mp4").exists()


INTERRUPTED = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a runner in the background may have it ignored
import sys
from pathlib import Path
from foveate.evaluation import RunSettings, run_job
from foveate.network import UplinkTrace
from foveate.testing import FakeDetector
clip, trace, out = map(Path, sys.argv[1:])
run_job(RunSettings(video=clip, trace=trace, policy="back2back", out=out, model="fake", loop=100), load=FakeDetector)
"""


def test_ctrl_c_ends_all_processes_and_keeps_what_was_written(clip_path, trace_path, tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-c", INTERRUPTED, str(clip_path), str(trace_path), str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    while process.poll() is None and not ((out / "offloads.csv").exists() and len(rows(out / "offloads.csv")) > 2):
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=20)
    assert process.returncode != 0
    assert stderr.strip().endswith(b"KeyboardInterrupt")
    summary = json.loads((out / "summary.json").read_text())
    assert summary["frames"] == len(rows(out / "frames.csv")) > 0
    assert summary["rendering_f1"] is None
    give_up_at = time.monotonic() + 10
    while alive_in_group(process.pid) and time.monotonic() < give_up_at:
        time.sleep(0.02)
    assert alive_in_group(process.pid) == []


IMPORTED = """
import os
import pathlib
import time

if __name__ == "slow_to_import" and os.environ.get("IN_CHILD"):
    pathlib.Path("importing").touch()
    time.sleep(2)
os.environ["IN_CHILD"] = "yes"  # of the processes that this one starts


def target(pipe):
    pipe.send((1, ""))
"""
STARTED = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a runner in the background may have it ignored
from foveate.evaluation.processes import Child
from slow_to_import import target
try:
    with Child("server", target) as child:
        child.wait_for_port()
except KeyboardInterrupt:
    print("interrupted")
"""


def test_ctrl_c_while_a_child_imports_is_not_told_by_the_child(tmp_path):
    (tmp_path / "slow_to_import.py").write_text(IMPORTED)
    process = subprocess.Popen(
        [sys.executable, "-c", STARTED],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=tmp_path,
    )
    while process.poll() is None and not (tmp_path / "importing").exists():
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    stdout, stderr = process.communicate(timeout=20)
    assert (stdout, stderr) == ("interrupted\n", "")


def alive_in_group(group):
    """Processes of a group that are not zombies."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            pid, _, rest = path.read_text().partition(" ")
            state, _, own_group = rest.rpartition(")")[2].split()[:3]
            if int(own_group) == group and state != "Z":
                found.append(int(pid))
    return found


def test_a_model_that_cannot_be_loaded_is_one_clear_line(settings, tmp_path):
    with pytest.raises(FoveateError, match=r"the server could not start: .*no-such-file"):
        go(settings(), load=partial(UplinkTrace.load, "no-such-file.csv"))
    assert not (tmp_path / "out" / "summary.json").exists()


def test_a_model_that_breaks_in_an_unforeseen_way_is_one_clear_line(settings):
    with pytest.raises(TransportError, match=r"the server ended before it was ready \(exit code 1\)"):
        go(settings(), load=partial(FakeDetector, unknown=1))


def test_a_child_that_dies_before_it_is_ready_is_one_clear_line():
    with Child("server", os._exit, 3) as child, pytest.raises(TransportError, match=r"ended before it was ready"):
        child.wait_for_port()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"policy": "fast"}, "unknown policy"),
        ({"trace": "missing.csv"}, "missing.csv"),
        ({"video": "missing.mp4"}, "missing.mp4"),
        ({"loop": 0}, "loop"),
        ({"trace_offset_s": -1.0}, "trace offset"),
        ({"transport": "udp"}, "unknown transport 'udp'; known: ideal, tcp"),
        ({"trace_rtt_s": 0.04}, "only a mahimahi file"),
        ({"trace_offset_s": float("nan")}, "trace offset"),
    ],
)
def test_bad_input_is_refused_before_anything_starts(settings, changes, problem):
    with pytest.raises((InputError, MediaError), match=problem):
        go(settings(**changes))
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("simulate", [False, True])
@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"video": "missing.mp4"}, "missing.mp4"),
        ({"video": "foreign.mp4"}, "not a COCO annotation file"),
        ({"policy": "fixed:beta=5"}, "beta must lie in 0..4 for this model, got 5"),
        ({"policy": "vitmalis:beta=5"}, "beta must lie in 0..4 for this model, got 5"),
        ({"policy": "vitmalis:late=true"}, "the profile knows restoration points 0..4, got 5"),
        ({"model": "no-such-model"}, "no model or weights file named 'no-such-model'"),
    ],
)
def test_a_run_that_is_refused_leaves_what_an_earlier_one_left(settings, tmp_path, changes, problem, simulate):
    shutil.copy(settings().video, tmp_path / "foreign.mp4")
    (tmp_path / "foreign.json").write_text('{"title": "of a downloader"}')
    write_profile(round_profile(), tmp_path / "round.json")
    former = {tmp_path / "out" / name: name.encode() for name in ("summary.json", "frames.csv", "annotated.mp4")}
    (tmp_path / "out").mkdir()
    for path, content in former.items():
        path.write_bytes(content)
    if "video" in changes:
        changes = {"video": tmp_path / changes["video"]}
    chosen = settings(simulate=simulate, profile=str(tmp_path / "round.json"), **changes)
    with pytest.raises(FoveateError, match=problem):
        go(chosen, load=None if "model" in changes else FakeDetector)
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == former


def test_a_simulated_link_that_lets_nothing_pass_is_no_run(settings, tmp_path):
    write_profile(round_profile(), tmp_path / "round.json")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "summary.json").write_text("of an earlier run")
    cut = Outage(start_s=0.0, seconds=60.0)
    with pytest.raises(TransportError, match="no answer from the server"):
        go(settings(simulate=True, profile=str(tmp_path / "round.json"), outages=(cut,)))
    assert (tmp_path / "out" / "summary.json").read_text() == "of an earlier run"


@pytest.mark.parametrize("taken", ["video", "trace", "profile", "model", "view_file"])
def test_no_file_of_the_run_takes_the_place_of_what_it_reads(settings, clip_path, trace_path, tmp_path, taken):
    name = {"video": "annotated.mp4", "trace": "frames.csv"}.get(taken, "summary.json")
    source = tmp_path / "out" / name
    source.parent.mkdir()
    shutil.copy(trace_path if taken == "trace" else clip_path, source)
    changes = {taken: source}
    if taken == "profile":
        write_profile(round_profile(), source)
    if taken == "view_file":
        changes |= {"video": tmp_path / "link.mp4", "out": tmp_path / "elsewhere"}
        changes["video"].symlink_to(source)
    before = source.read_bytes()
    with pytest.raises(InputError, match=f"{name} would take the place of .*, which is read"):
        go(settings(**changes))
    assert source.read_bytes() == before


def test_truth_that_is_none_is_found_out_before_the_run(settings, clip_path, tmp_path):
    video = Path(shutil.copy(clip_path, tmp_path / "clip.mp4"))
    video.with_suffix(".json").write_text('{"title": "of a downloader"}')
    with pytest.raises(MediaError, match=r"clip\.json is not a COCO annotation file"):
        go(settings(video=video))
    assert not (tmp_path / "out").exists()
    assert go(settings(video=video, with_truth=False, with_video=False))["frames"] > 0


def test_exact_truth_beside_the_clip_is_no_place_for_a_summary(settings, clip_path, tmp_path):
    video = shutil.copy(clip_path, tmp_path / "summary.mp4")
    (tmp_path / "summary.json").write_text("boxes")
    with pytest.raises(InputError, match=r"summary\.json would take the place"):
        go(settings(video=Path(video), out=tmp_path))
    assert (tmp_path / "summary.json").read_text() == "boxes"


def test_pinning_lasts_as_long_as_the_block():
    before = os.sched_getaffinity(0)
    if len(before) < 2:
        pytest.skip("needs two cores")
    device, server = two_cores()
    assert device != server
    with pinned_to(device):
        assert os.sched_getaffinity(0) == {device}
    assert os.sched_getaffinity(0) == before
    with pinned_to(None):
        assert os.sched_getaffinity(0) == before
