"""`foveate.simulate`: the run of `foveate run --simulate`, for programs."""

import csv
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

import foveate
from foveate.core import InputError, TransportError
from foveate.device import Clip
from foveate.estimators import write_profile
from foveate.evaluation import RunSettings, run_job
from foveate.network import Outage, UplinkTrace
from foveate.policies import Fixed
from foveate.testing import FakeDetector, write_clip
from foveate.testing.profiles import round_profile

FRAMES = 40
STEADY = UplinkTrace.constant(8e6, 0.02, 10)


@pytest.fixture
def video(tmp_path, monkeypatch):
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path / "home"))
    return write_clip(tmp_path / "clip.mp4", frames=FRAMES, fps=30)


def simulated(video, **given):
    settings = {"trace": STEADY, "policy": "track-b2b", "profile": round_profile(), "model": FakeDetector()}
    return foveate.simulate(video, **settings | given)


def test_callbacks_see_what_the_tables_of_a_simulated_run_hold(video, tmp_path):
    write_profile(round_profile(), tmp_path / "round.json")
    (tmp_path / "up.csv").write_text("t_s,uplink_mbps,rtt_ms\n0.0,8.0,20.0\n0.1,2.0,90.0\n")
    same = {"trace": tmp_path / "up.csv", "policy": "vitmalis", "profile": str(tmp_path / "round.json"), "seed": 3}
    settings = RunSettings(
        video=video, out=tmp_path, model="fake", simulate=True, with_video=False, transport="tcp", **same
    )
    summary = run_job(settings, load=FakeDetector, console=Console(file=StringIO()))
    frames, offloads = [], []
    run = simulated(video, **same, transport="tcp", on_frame=frames.append, on_offload=offloads.append)
    assert (run.welcome.model, run.frames, run.dropped_frames) == ("fake", FRAMES, 0)
    assert (run.offloads, run.failed_offloads) == (summary["offloads"], summary["failed_offloads"])
    assert (len(frames), len(offloads)) == (FRAMES, run.offloads)
    with (tmp_path / "offloads.csv").open(newline="") as file:
        written = [float(row["e2e_latency_s"]) for row in csv.DictReader(file)]
    assert [done.record.e2e_latency_s for done in offloads] == pytest.approx(written, abs=1e-6)


def test_a_clip_that_was_opened_stays_open_and_its_order_is_kept(video):
    shown = []
    with Clip(video, loop=2) as clip:
        run = simulated(clip, policy=Fixed(beta=2), on_frame=lambda event: shown.append(event.frame.index))
        assert next(iter(clip)).shape == (*clip.size, 3)
    assert run.frames == 2 * FRAMES - 1
    assert shown == list(range(run.frames))


def test_a_file_is_played_as_often_and_as_fast_as_asked(video):
    times = []
    run = simulated(video, loop=2, fps=10, on_frame=lambda event: times.append(event.frame.captured_at))
    assert run.frames == 2 * FRAMES - 1
    assert np.diff(times) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"policy": "fixed:beta=9"}, "beta"),
        ({"policy": "hyperion"}, "hyperion cannot be used here"),
        ({"profile": "none"}, "no profile 'none'"),
        ({"transport": "udp"}, "unknown transport 'udp'"),
    ],
)
def test_what_does_not_fit_is_one_clear_line(video, given, said):
    with pytest.raises(InputError, match=said):
        simulated(video, **given)


def test_what_does_not_fit_the_model_is_told_before_the_clip_is_read(video, tmp_path):
    """Grey frames of a long clip take minutes."""
    with pytest.raises(InputError, match="beta"):
        simulated(video, policy="fixed:beta=9")
    assert not (tmp_path / "home" / "greys").exists()


def test_outages_cut_the_link(video):
    with pytest.raises(TransportError, match="no answer from the server within 10 s"):
        simulated(video, outages=(Outage(start_s=0, seconds=60),))
