"""Simulated runs: the report of a live one, on virtual time."""

import csv
import subprocess
import sys
import threading
from dataclasses import replace
from functools import partial
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from foveate.codec import VideoWriter
from foveate.core import InputError, OffloadPlan, TransportError, foveate_home
from foveate.device import Clip
from foveate.estimators import write_profile
from foveate.evaluation import RunSettings, run_job
from foveate.evaluation.agenda import Agenda, Cores
from foveate.evaluation.greys import greys_of
from foveate.evaluation.outcomes import Outcomes
from foveate.network import Outage
from foveate.policies import POLICIES
from foveate.testing import FakeDetector, write_clip
from foveate.testing.profiles import round_profile
from foveate.tracking import reduce

FRAMES = 60
OUTPUTS = ("summary.json", "frames.csv", "offloads.csv")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def settings(home):
    video = write_clip(home / "clip.mp4", frames=FRAMES, fps=30)
    trace = home / "steady.csv"
    trace.write_text("t_s,uplink_mbps,rtt_ms\n" + "".join(f"{i / 10:.1f},8.0,20.0\n" for i in range(100)))
    write_profile(round_profile(), home / "round.json")
    return partial(
        RunSettings,
        video=video,
        trace=trace,
        model="fake",
        simulate=True,
        profile=str(home / "round.json"),
        with_video=False,
        out=home / "out",
    )


def go(settings, load=FakeDetector):
    return run_job(settings, load=load, console=Console(file=StringIO()))


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


POLICY_TEXTS = ("fixed:beta=2", *(name for name in sorted(POLICIES) if name != "fixed"))


@pytest.mark.parametrize("policy", POLICY_TEXTS)
def test_every_policy_shows_every_frame_at_its_time(settings, policy):
    summary = go(settings(policy=policy))
    assert (summary["frames"], summary["dropped_frames"], summary["simulated"]) == (FRAMES, 0, True)
    assert summary["profile"] == "round"
    assert summary["failed_offloads"] == 0
    shown = rows(settings(policy=policy).out / "frames.csv")
    assert [int(row["frame"]) for row in shown] == list(range(FRAMES))
    for row in shown:
        assert float(row["displayed_at"]) == pytest.approx(float(row["captured_at"]) + 1 / 30, abs=1e-5)


def test_durations_are_the_profiles_and_the_links(settings):
    summary = go(settings(policy="back2back"))
    stages = summary["stages_s"]
    codec = round_profile().codec
    small = 128 * 192 / (1080 * 1920)
    assert stages["encode"] == pytest.approx((0.020 + 25 / 30 * 0.020) * small, rel=1e-3)
    assert stages["decode"] == pytest.approx(codec.decode_s[0] * small, rel=1e-3)
    # A frame of a quarter of the pixels takes a quarter of the time there: the time follows the pixels.
    assert stages["inference"] == pytest.approx(0.2 * small, rel=1e-3)
    # uplink: the message at 8 Mbit/s and one propagation; downlink: the other one
    payload = summary["bytes_per_offload"]["p50"]
    assert stages["uplink"] == pytest.approx(8 * payload / 8e6 + 0.010, abs=0.001)
    assert stages["downlink"] == pytest.approx(0.010, abs=0.001)
    assert summary["e2e_latency_s"]["p50"] == pytest.approx(sum(stages.values()), rel=0.02)


def test_same_inputs_same_bytes_also_in_a_fresh_process(settings, home):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from foveate.evaluation import RunSettings, run_job;"
        "from foveate.testing import FakeDetector; from pathlib import Path; from rich.console import Console;"
        "p = [Path(a) for a in sys.argv[2:]];"
        "run_job(RunSettings(video=p[0], trace=p[1], out=p[2], model='fake', simulate=True, profile=str(p[3]),"
        " policy='vitmalis', with_video=False, seed=3), load=FakeDetector, console=Console(quiet=True))"
    )
    first = settings(policy="vitmalis", seed=3, out=home / "one")
    go(first)
    arguments = [str(p) for p in (first.video, first.trace, home / "two", first.profile)]
    subprocess.run([sys.executable, "-c", code, ".", *arguments], check=True)
    for name in OUTPUTS:
        assert (home / "one" / name).read_bytes() == (home / "two" / name).read_bytes(), name


def test_a_second_run_computes_nothing(settings):
    class Once(FakeDetector):
        calls = 0

        def detect_batch(self, *args, **options):
            Once.calls += 1
            return super().detect_batch(*args, **options)

    go(settings(policy="vitmalis"), load=Once)
    used = Once.calls
    assert used > 0
    go(settings(policy="vitmalis"), load=Once)
    assert Once.calls == used


def test_two_in_flight_bring_more_results_and_no_frame_is_shown_with_older_boxes_than_the_one_before(settings, home):
    """Uplink and inference take about as long as each other: overlapped, nearly twice as many frames fit."""
    profile = round_profile()
    small = replace(profile, server=replace(profile.server, frame_size=(128, 192), full_s=0.1, half_s=0.025))
    write_profile(small, home / "small.json")
    slow = home / "slow.csv"
    slow.write_text("t_s,uplink_mbps,rtt_ms\n" + "".join(f"{i / 10:.1f},0.6,20.0\n" for i in range(100)))
    alone, both = (
        go(settings(policy=f"roi-opt:in_flight={n}", trace=slow, profile=str(home / "small.json"))) for n in (1, 2)
    )
    assert both["failed_offloads"] == 0
    assert both["offloads"] > 1.3 * alone["offloads"]
    sources = [int(row["source_frame"]) for row in rows(home / "out" / "frames.csv") if row["source_frame"]]
    assert sources == sorted(sources)


def test_a_clip_may_be_played_forward_and_backward(settings):
    assert go(settings(policy="track-b2b", loop=2))["frames"] == 2 * FRAMES - 1


def test_the_spread_of_the_server_depends_on_the_seed(settings, home):
    profile = round_profile()
    write_profile(replace(profile, server=replace(profile.server, spread=0.2)), home / "spread.json")
    spans = [
        go(settings(policy="back2back", seed=seed, profile=str(home / "spread.json"), with_truth=False))[
            "e2e_latency_s"
        ]["mean"]
        for seed in (1, 1, 2)
    ]
    assert spans[0] == spans[1] != spans[2]


@pytest.mark.parametrize(("policy", "simulate"), [("back2back", True), ("vitmalis", False)])
def test_what_needs_a_profile_says_so_before_anything_runs(settings, policy, simulate):
    with pytest.raises(InputError, match=r"needs a profile .*ship with foveate: .*paper-jetson-rtx5090"):
        go(settings(policy=policy, simulate=simulate, profile=None))
    assert not settings(policy=policy).out.exists()


def test_the_agenda_keeps_time_and_the_order_of_booking():
    agenda, seen = Agenda(), []
    for when, name in ((2.0, "b"), (1.0, "a"), (2.0, "c")):
        agenda.book(when, lambda now, name=name: seen.append((now, name)))
    while agenda.next_at is not None:
        agenda.run_next()
    assert seen == [(1.0, "a"), (2.0, "b"), (2.0, "c")]


def test_time_on_the_agenda_never_runs_back():
    agenda, seen = Agenda(), []
    agenda.book(1.0, lambda now: agenda.book(0.5, seen.append))
    agenda.run_next()
    assert agenda.advance(0.7) == 1.0
    agenda.run_next()
    assert seen == [1.0]
    assert agenda.advance(2.0) == 2.0 == agenda.now


def test_cores_are_shared_in_the_order_of_arrival():
    cores = Cores(2)
    assert [cores.take(0.0, 1.0), cores.take(0.0, 3.0), cores.take(0.5, 1.0), cores.take(0.5, 1.0)] == [1, 3, 2, 3]


def test_grey_frames_are_made_by_one_process_while_others_wait(home):
    """Two runs of one new clip would otherwise write into one file, each over what the other wrote."""
    video, lock = write_clip(home / "clip.mp4", frames=4), foveate_home() / "greys" / f"{'1' * 24}.lock"
    lock.parent.mkdir(parents=True)
    program = "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.lockf(f, fcntl.LOCK_EX); print(); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        other.stdout.readline()
        made = threading.Thread(target=greys_of, args=(video, "1" * 64, lambda done: None), daemon=True)
        made.start()
        made.join(0.3)
        assert made.is_alive()
        assert not lock.with_suffix("").exists()
        other.communicate(b"\n")
        made.join(20)
    assert (lock.with_suffix("") / "tracking.raw").is_file()


def test_grey_frames_that_were_broken_off_leave_nothing_behind(home):
    video, folder = write_clip(home / "clip.mp4", frames=4), foveate_home() / "greys" / ("0" * 24)
    folder.mkdir(parents=True)
    (folder / ".tracking.raw.0.part").write_bytes(b"of a process that was killed")

    def stop(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        greys_of(video, "0" * 64, stop)
    assert list(folder.iterdir()) == []
    assert len(greys_of(video, "0" * 64, lambda done: None)) == 4
    assert sorted(path.name for path in folder.iterdir()) == ["motion.raw", "tracking.raw"]


def test_grey_frames_on_disk_are_those_of_the_frames(home):
    video = write_clip(home / "clip.mp4", frames=8)
    for _ in range(2):
        greys = greys_of(video, "0" * 64, lambda done: None)
        with Clip(video) as clip:
            pairs = [reduce(pixels) for pixels in clip]
        assert len(greys) == len(pairs)
        for stored, made in zip((greys[k] for k in range(8)), pairs, strict=True):
            assert np.array_equal(stored.tracking, made.tracking)
            assert np.array_equal(stored.motion, made.motion)


def outcomes():
    return Outcomes(
        clip_sha256="ab", weights_hash="w", class_names=("person", "car"), score_threshold=0.5, load=FakeDetector
    )


def test_outcomes_survive_a_torn_file(home):
    video = write_clip(home / "clip.mp4", frames=3)
    with Clip(video) as clip:
        pixels = next(iter(clip))
    grid = FakeDetector().region_grid(*pixels.shape[:2])
    plans = [OffloadPlan(jpeg_quality=quality) for quality in (80, 90)]
    with outcomes() as fresh:
        made = [fresh.get(0, plan, grid, lambda: pixels) for plan in plans]
        assert fresh.computed == 2
    file = next((home / "home" / "outcomes").iterdir())
    file.write_bytes(file.read_bytes()[:-5])
    with outcomes() as torn:
        again = [torn.get(0, plan, grid, lambda: pixels) for plan in plans]
        assert torn.computed == 1
    with outcomes() as whole:
        assert [whole.get(0, plan, grid, lambda: pixels).full_bytes for plan in plans] == [m.full_bytes for m in made]
        assert whole.computed == 0
    assert [a.detections for a in again] == [m.detections for m in made]


def test_one_picture_is_an_outcome_of_its_own_where_anything_is_downsampled(home):
    video = write_clip(home / "clip.mp4", frames=1)
    with Clip(video) as clip:
        pixels = next(iter(clip))
    grid = FakeDetector().region_grid(*pixels.shape[:2])
    mask = np.ones(grid.shape, bool)
    with outcomes() as fresh:
        two, one = (
            fresh.get(0, OffloadPlan(downsampling_mask=mask, one_picture=flag), grid, lambda: pixels)
            for flag in (False, True)
        )
        assert (two.full_bytes, one.low_bytes) == (0, 0)
        assert two.low_bytes == one.full_bytes  # the same picture, in another place
        assert two.detections == one.detections
        assert fresh.computed == 2
        for flag in (False, True):
            fresh.get(0, OffloadPlan(one_picture=flag), grid, lambda: pixels)
        assert fresh.computed == 3


@pytest.fixture
def noisy(home):
    """A clip whose pictures take long enough on a link to measure it."""
    noise = np.random.default_rng(0)
    with VideoWriter(home / "noise.mp4", (128, 192), 30, crf=10) as writer:
        for _ in range(FRAMES):
            writer.write(noise.integers(0, 255, (128, 192, 3), np.uint8))
    return home / "noise.mp4"


def steady(path, mbps, rtt_ms, seconds=10):
    lines = [f"{i / 10:.1f},{mbps},{rtt_ms}" for i in range(10 * seconds)]
    path.write_text("\n".join(["t_s,uplink_mbps,rtt_ms", *lines]))
    return path


def columns(path, *names):
    table = rows(path / "offloads.csv")
    assert all(row["failed"] == "0" for row in table)
    return [np.array([float(row[name]) for row in table]) for name in names]


@pytest.mark.parametrize(("mbps", "rtt_ms"), [(0.6, 300.0), (2.0, 30.0), (4.0, 0.0)])
def test_a_device_sees_a_steady_link_as_it_is_within_5_percent(settings, noisy, home, mbps, rtt_ms):
    trace = steady(home / "link.csv", mbps, rtt_ms)
    summary = go(settings(policy="back2back", video=noisy, trace=trace, with_truth=False))
    uplink, rtt, throughput = columns(home / "out", "uplink_s", "rtt_s", "throughput_bps")
    true_uplink, true_rtt, capacity = columns(home / "out", "link_uplink_s", "link_rtt_s", "link_capacity_bps")
    assert capacity == pytest.approx(mbps * 1e6, rel=1e-6)
    assert true_rtt == pytest.approx(rtt_ms / 1e3)
    assert throughput == pytest.approx(capacity, rel=0.05)
    assert uplink == pytest.approx(true_uplink, rel=0.05)
    assert rtt == pytest.approx(true_rtt, rel=0.05, abs=0.001)
    assert summary["rtt_s"] == pytest.approx(rtt_ms / 1e3, rel=0.05, abs=0.001)


def test_over_tcp_a_device_sees_true_spans_and_less_than_the_capacity(settings, noisy, home):
    trace = steady(home / "link.csv", 20.0, 60.0)
    summary = go(settings(policy="back2back", video=noisy, trace=trace, with_truth=False, transport="tcp"))
    assert summary["transport"] == "tcp"
    uplink, throughput = columns(home / "out", "uplink_s", "throughput_bps")
    true_uplink, capacity = columns(home / "out", "link_uplink_s", "link_capacity_bps")
    assert uplink == pytest.approx(true_uplink, rel=0.05)
    # A picture of 28 kB is two windows at first; as long as pictures follow each other, one window holds it.
    assert throughput[0] < 0.3 * capacity[0]
    assert throughput[-1] == pytest.approx(capacity[-1], rel=0.05)


def test_an_outage_stops_offloads_but_not_the_picture(settings):
    cut = Outage(start_s=0.7, seconds=0.8)
    summary = go(settings(policy="back2back", outages=(cut,)))
    assert summary["outages"] == [{"start_s": 0.7, "seconds": 0.8}]
    assert (summary["frames"], summary["dropped_frames"], summary["failed_offloads"]) == (FRAMES, 0, 0)
    began = 2 * 0.02 + 0.1  # the first capture, from where the tables count
    finished = [float(row["finished_at"]) + began for row in rows(settings(policy="back2back").out / "offloads.csv")]
    assert not any(0.7 < when < 1.5 for when in finished)
    assert sum(when < 0.7 for when in finished) > 1
    assert sum(when > 1.5 for when in finished) > 1


def test_after_a_long_outage_the_device_connects_anew_and_offloads_within_two_seconds(settings):
    cut = Outage(start_s=0.7, seconds=7.0)
    long = settings(policy="track-b2b", outages=(cut,), loop=10)
    summary = go(long)
    assert summary["dropped_frames"] == 0
    assert summary["failed_offloads"] >= 1
    began = 2 * 0.02 + 0.1  # the first capture, from where the tables count
    offloads = rows(long.out / "offloads.csv")
    back = [float(row["finished_at"]) + began for row in offloads if float(row["started_at"]) + began > 7.7]
    assert 7.7 < back[0] < 9.7


def test_a_link_that_is_cut_at_the_start_delays_the_camera_as_a_live_one(settings):
    summary = go(settings(policy="back2back", outages=(Outage(start_s=0, seconds=3),)))
    assert (summary["frames"], summary["failed_offloads"]) == (FRAMES, 0)
    with pytest.raises(TransportError, match="no answer from the server within 10 s"):
        go(settings(policy="back2back", outages=(Outage(start_s=0, seconds=11),)))
    with pytest.raises(TransportError, match="no answer from the server within 10 s"):
        go(settings(policy="back2back", outages=(Outage(start_s=0, seconds=1e6),)))


def test_same_inputs_same_bytes_over_a_cut_tcp_link(settings, home):
    cut = (Outage(start_s=0.5, seconds=0.5),)
    for name in ("one", "two"):
        go(settings(policy="vitmalis", seed=3, out=home / name, transport="tcp", outages=cut))
    for name in OUTPUTS:
        assert (home / "one" / name).read_bytes() == (home / "two" / name).read_bytes(), name


def test_the_round_trip_of_a_mahimahi_trace_can_be_chosen(settings, home):
    (home / "a.up").write_text("\n".join(map(str, range(1, 1001))))
    for rtt_s, expected in ((None, 0.04), (0.1, 0.1)):
        summary = go(settings(policy="back2back", trace=home / "a.up", trace_rtt_s=rtt_s, with_truth=False))
        assert summary["rtt_s"] == pytest.approx(expected, rel=0.02)
