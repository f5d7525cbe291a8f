"""What a simulation foretells is what then happens in it."""

from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

import foveate.evaluation.play_simulated as module
from foveate.codec import VideoWriter
from foveate.core import InputError
from foveate.device import Clip
from foveate.estimators import write_profile
from foveate.evaluation import RunSettings, run_job
from foveate.evaluation.foresight import Foresight
from foveate.metrics import F1Counter
from foveate.testing import FakeDetector
from foveate.testing.profiles import round_profile

FRAMES = 40
SIZE = (160, 224)


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """A clip of noise and moving squares: its frames cost the link something, whatever is done to them."""
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path / "home"))
    noise = np.random.default_rng(0)
    with VideoWriter(tmp_path / "clip.mp4", SIZE, 30, crf=10) as writer:
        for index in range(FRAMES):
            pixels = noise.integers(90, 130, (*SIZE, 3), np.uint8)
            pixels[40:80, 10 + 3 * index : 50 + 3 * index] = (250, 20, 20)
            writer.write(pixels)
    # A link that changes: who expects the past to go on is wrong.
    rates = "".join(f"{i / 10:.1f},{(0.5, 3.0, 1.2)[i % 3]},{20 + 10 * (i % 2)}\n" for i in range(100))
    (tmp_path / "uneven.csv").write_text("t_s,uplink_mbps,rtt_ms\n" + rates)
    profile = round_profile()
    small = replace(profile.server, frame_size=SIZE, full_s=0.08, half_s=0.02)
    write_profile(replace(profile, server=small), tmp_path / "small.json")
    return RunSettings(
        video=tmp_path / "clip.mp4",
        trace=tmp_path / "uneven.csv",
        model="fake",
        simulate=True,
        profile=str(tmp_path / "small.json"),
        with_video=False,
        policy="oracle",
        out=tmp_path / "out",
    )


@pytest.fixture
def foretold(monkeypatch):
    """What was foretold of each frame: candidates and estimates, by position."""
    found, whole = {}, Foresight.estimates

    def watched(self, candidates, grid, moment):
        found[moment.position] = candidates, whole(self, candidates, grid, moment)
        return found[moment.position][1]

    monkeypatch.setattr(Foresight, "estimates", watched)
    return found


@pytest.fixture
def landed(monkeypatch):
    """Offloads that brought a result."""
    events, whole = [], module.Recorder.offloaded

    def watched(self, event, *more):
        events.append(event)
        whole(self, event, *more)

    monkeypatch.setattr(module.Recorder, "offloaded", watched)
    return events


def go(settings):
    return run_job(settings, load=FakeDetector, console=Console(file=StringIO()))


@pytest.mark.parametrize("transport", ["ideal", "tcp"])
@pytest.mark.parametrize("policy", ["oracle", "uniform-opt:content=truth"])
def test_latency_bytes_and_f1_come_out_as_foretold(settings, foretold, landed, transport, policy):
    go(replace(settings, transport=transport, policy=policy))
    checked = 0
    with Clip(settings.video) as clip:
        own = [FakeDetector().detect_batch([pixels])[0] for pixels in clip]
    for event in landed:
        record, plan = event.record, event.record.plan
        if record.frame_index not in foretold:
            continue  # before the first result
        candidates, told = foretold[record.frame_index]
        (index,) = np.flatnonzero(
            (candidates.jpeg_quality == plan.jpeg_quality)
            & (candidates.frame_scale == plan.frame_scale)
            & ((candidates.downsampling_type == plan.downsampling_type) | (plan.frame_scale < 1))
            & ((candidates.restoration_point == plan.restoration_point) | (plan.frame_scale < 1))
        )
        assert told.size_bytes[index] == record.payload_bytes
        # Around a frame a message has some 150 bytes more, 2.4 ms at the lowest rate; a core may be busy for 4 ms.
        assert 0 <= record.e2e_latency_s - told.latency_s[index] < 0.010
        assert told.accuracy[index] == F1Counter().add(event.result, own[record.frame_index]).f1
        checked += 1
    assert checked >= 4
    assert len({float(latency) for _, told in foretold.values() for latency in told.latency_s}) > 20


def test_estimates_of_a_profile_are_wrong_where_the_truth_is_not(settings, foretold, landed):
    go(replace(settings, policy="oracle:content=device"))
    assert not foretold
    assert len(landed) >= 4


def test_a_live_run_knows_no_truth(settings):
    with pytest.raises(InputError, match=r"policy oracle asks what frames will bring: only a simulation knows"):
        go(replace(settings, simulate=False))
    assert not settings.out.exists()
