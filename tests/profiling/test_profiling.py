"""Measuring, fitting, and the profile made of a publication."""

import json
import os
import time
from dataclasses import fields, is_dataclass, replace
from itertools import pairwise

import numpy as np
import pytest

from foveate.core import CLASS_QUALITIES, EstimateOptions, FoveateError, InputError, MediaError, RegionGrid
from foveate.estimators import PerformanceEstimator, load_profile, predicted_accuracy, shipped_profiles, size_by_class
from foveate.profiling import (
    ContentSampling,
    FitOptions,
    Sampling,
    Training,
    content_observations,
    fit_latency,
    measure_machine,
    measure_machine_pinned,
    paper_profile,
    provenance_of,
    rows_of,
    with_content,
    with_decision,
)
from foveate.profiling.device import measure_device, some_objects
from foveate.profiling.device_loop import DeviceLoop
from foveate.profiling.masks import mask_with, steps
from foveate.profiling.server import lines_beside, measure_server
from foveate.testing import FakeDetector, write_clip


def quiet(name):
    return lambda done, wanted: None


def test_a_line_is_preferred_until_it_misses_by_5_percent():
    n = np.array([4.0, 8.0, 16.0, 24.0, 28.0])
    assert len(fit_latency(n, 0.3 - 0.005 * n).coefficients) == 2
    bent = fit_latency(n, 0.3 - 0.02 * n + 0.0004 * n**2)
    assert len(bent.coefficients) == 3
    assert bent.residual < 1e-6


def test_the_line_is_kept_beside_a_parabola_and_nowhere_else():
    n = np.array([4.0, 8.0, 16.0, 24.0, 28.0])
    seconds = {0: 0.3 - 0.005 * n, 1: 0.3 - 0.02 * n + 0.0004 * n**2}
    chosen = {beta: fit_latency(n, times) for beta, times in seconds.items()}
    lines = lines_beside(chosen, n, seconds)
    assert set(lines) == {1}
    assert len(lines[1].coefficients) == 2
    assert lines[1].residual > 0.05


def test_masks_have_the_number_asked_for():
    grid = FakeDetector().region_grid(200, 330)
    for count in steps(len(grid), 5):
        assert mask_with(grid, count, seed=1).sum() == count
    assert steps(28, 8) == (0, 4, 8, 12, 16, 20, 24, 28)


def test_a_clip_becomes_a_usable_profile(tmp_path, monkeypatch):
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path / "home"))
    video = write_clip(tmp_path / "clip.mp4", frames=24)
    detector, sampling = FakeDetector(), ContentSampling(every=4, per_frame=6)
    profile = measure_machine(video, detector, name="mine", begin=quiet, sampling=Sampling(repeats=1))
    parts = [rows_of(content_observations(video, detector, begin=quiet, sampling=sampling))]
    origin, brief = provenance_of(detector, ["clip.mp4"]), Training(steps=20)
    profile, judged = with_content(profile, parts, provenance=origin, options=FitOptions(size=brief, accuracy=brief))
    assert set(judged) == {"size", "accuracy"}
    assert profile.content.quality_of_fit["size_rows"] > 0
    assert profile.content.provenance == origin
    assert with_decision(profile).device.decide_s > 0
    for way in ("device", "paper", "mean"):
        PerformanceEstimator(profile, EstimateOptions(content=way))
    assert list((tmp_path / "home" / "content").iterdir())


class Strict(FakeDetector):
    """Takes the points that it offers and no others."""

    def detect_batch(self, frames, masks=None, points=None, **options):
        if any(point not in self.restoration_points for point in points or ()):
            raise InputError("no such point")
        return super().detect_batch(frames, masks, points, **options)


@pytest.mark.parametrize(("detector", "known"), [(FakeDetector(), True), (Strict(), False)])
def test_restoration_after_the_last_block_is_measured_where_a_model_takes_it(detector, known):
    server = measure_server(detector, np.zeros((200, 330, 3), np.uint8), points=3, repeats=1)
    assert sorted(server.inference) == [0, 1, 2, 3, 4]
    assert (server.late is not None) == known


def test_a_clip_that_is_too_short_is_named(tmp_path):
    video = write_clip(tmp_path / "short.mp4", frames=2)
    with pytest.raises(MediaError, match="at least 3 frames"):
        measure_machine(video, FakeDetector(), name="x", begin=quiet)


def leaves(value: object, name: str = "") -> dict[str, object]:
    """All numbers and words of a profile by where they stand: fits differ in the last digit between processors."""
    if is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, tuple | list):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        return {name: value}
    return {at: leaf for key, part in value.items() for at, leaf in leaves(part, f"{name}.{key}").items()}


def test_the_published_profile_is_what_ships_and_says_what_it_assumes():
    made = paper_profile()
    shipped = load_profile("paper-jetson-rtx5090")
    found, wanted = leaves(replace(shipped, content=None)), leaves(made)
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert found[name] == (pytest.approx(value, rel=1e-9, abs=1e-12) if isinstance(value, float) else value), name
    assert made.provenance.origin == "published"
    assert made.provenance.sources
    assert made.provenance.assumed
    assert load_profile("paper-jetson-rtx5090-263ms").server.full_s == pytest.approx(0.263)


@pytest.mark.parametrize("name", [name for name in shipped_profiles() if "classes" not in name])
def test_with_every_profile_that_ships_vitmalis_can_estimate(name):
    profile = load_profile(name)
    assert profile.content is not None
    assert profile.provenance.date
    for way in ("device", "paper", "mean"):
        PerformanceEstimator(profile, EstimateOptions(content=way))


@pytest.mark.parametrize("name", [name for name in shipped_profiles() if "classes" in name])
def test_profiles_of_classes_know_what_each_costs_and_say_where_that_was_measured(name):
    classes = load_profile(name).classes
    assert classes is not None
    sizes, fixed = size_by_class(
        classes.table, original_bytes=1e6, shares=np.array([0.5, 0.3, 0.2]), qualities=CLASS_QUALITIES
    )
    assert 0 < sizes[:, 0].sum() + fixed < sizes[:, -1].sum() < 2e6
    assert predicted_accuracy(classes.accuracy_table, (100,) * 3) > predicted_accuracy(
        classes.accuracy_table, (10,) * 3
    )
    assert "plaza-crowd" in classes.provenance.sources[0]
    assert classes.quality_of_fit["size_table_correlation"] > 0.98


def test_the_published_profile_meets_its_two_inputs_and_orders_restoration_points():
    server = paper_profile().server
    assert server.full_s == pytest.approx(0.281)
    assert 0.039 < server.half_s < 0.1
    assert server.late is not None
    saved = [*(server.inference[beta].seconds(14) for beta in range(5)), server.late.seconds(14)]
    assert saved[0] == pytest.approx(0.281)
    assert all(later < earlier for earlier, later in pairwise(saved))
    outcomes = ("162", "0.162", "0.53", "51 %")
    assert not any(number in json.dumps(paper_profile().provenance.sources) for number in outcomes)


def test_a_pinned_machine_is_measured_in_two_processes(tmp_path):
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("pinning needs two processor cores")
    video = write_clip(tmp_path / "clip.mp4", frames=6)
    profile = measure_machine_pinned(video, FakeDetector, name="pinned", begin=quiet, sampling=Sampling(repeats=1))
    assert profile.device.cores == 1
    assert profile.server.full_s > 0
    assert len(profile.codec.decode_s) == len(profile.codec.encode_s[0])
    assert "--pin" in profile.provenance.sources[0]


def no_detector():
    raise InputError("there is none")


def test_a_server_that_cannot_be_measured_says_why(tmp_path):
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("pinning needs two processor cores")
    video = write_clip(tmp_path / "clip.mp4", frames=6)
    with pytest.raises(FoveateError, match=r"could not be measured: there is none"):
        measure_machine_pinned(video, no_detector, name="pinned", begin=quiet)


def test_the_device_loop_keeps_the_clips_rate(tmp_path):
    video = write_clip(tmp_path / "clip.mp4", frames=30, fps=100)
    grid = FakeDetector().region_grid(128, 192)
    with DeviceLoop(video, objects=(some_objects(grid, 3), grid)) as loop:
        time.sleep(0.25)
    assert 1 <= loop.frames <= 60


def test_tracking_is_timed_on_one_new_frame_after_another(monkeypatch):
    looked_at = []

    class Recorder:
        def restart(self, _found, grey):
            looked_at.append(grey)

        def advance(self, grey):
            assert grey is not looked_at[-1]
            looked_at.append(grey)

    monkeypatch.setattr("foveate.profiling.device.Tracker", Recorder)
    frames = [np.full((288, 288, 3), value, np.uint8) for value in range(5)]
    measure_device(frames, RegionGrid(height=288, width=288), cores=1)
    assert len(looked_at) == 2 * len(frames)
