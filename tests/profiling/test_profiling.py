"""Measuring, fitting, and the profile made of a publication."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from foveate.core import InputError, MediaError
from foveate.estimators import PerformanceEstimator, Regressor, load_profile
from foveate.profiling import (
    ContentRows,
    Sampling,
    compare,
    content_rows,
    figures,
    fit_latency,
    fit_linear,
    fit_network,
    load_rows,
    measure_machine,
    offline_mean,
    paper_profile,
    save_rows,
    with_content,
    with_decision,
)
from foveate.profiling.masks import mask_with, steps
from foveate.testing import FakeDetector, write_clip


def quiet(name):
    return lambda done, wanted: None


def made_up_rows(n=600, seed=0):
    """Rows that follow a smooth rule of the features, a little noise on top."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 3, n).astype(float)
    columns = {
        "downsampling_type": kind,
        "downsampled_share": rng.uniform(0, 1, n) * (kind > 0),
        "downsampled_motion": rng.uniform(0, 1, n) * (kind > 0),
        "frame_motion": rng.uniform(0, 0.4, n),
        "jpeg_quality": rng.integers(14, 21, n) * 5.0,
        "restoration_point": rng.integers(0, 5, n) * (kind > 0),
        "relevance_mean": rng.uniform(0, 0.5, n),
        "relevance_spread": rng.uniform(0, 0.3, n),
        "frame": np.arange(n) // 4,
        "clip": np.zeros(n),
    }
    size = (
        0.05
        * np.exp((columns["jpeg_quality"] - 70) / 20 - columns["downsampled_share"])
        * (1 + columns["frame_motion"])
    )
    accuracy = 1 / (1 + np.exp(-3 + 3 * columns["downsampled_share"] * columns["restoration_point"] / 4))
    return ContentRows(
        columns=columns,
        bytes_per_pixel=size * np.exp(rng.normal(0, 0.02, n)),
        accuracy=np.clip(accuracy + rng.normal(0, 0.01, n), 0, 1),
    )


@pytest.mark.parametrize("target", ["size", "accuracy"])
def test_the_network_learns_what_a_line_cannot(target):
    fits = compare(made_up_rows(seed=0), made_up_rows(seed=1), target)
    assert fits["network"].r2 > 0.95
    assert fits["network"].mae < 0.6 * fits["linear"].mae
    assert fits["network"].mae < 0.6 * fits["offline mean"].mae


def test_a_linear_fit_finds_a_line():
    rows = made_up_rows()
    line = replace(rows, bytes_per_pixel=2 + 3 * rows.columns["downsampled_share"] - rows.columns["frame_motion"])
    assert np.allclose(Regressor(fit_linear(line, "size"))(line.columns), line.bytes_per_pixel, atol=1e-5)


def test_the_same_seed_gives_the_same_network():
    rows = made_up_rows(100)
    assert fit_network(rows, "size", steps=20, seed=3) == fit_network(rows, "size", steps=20, seed=3)


def test_the_offline_mean_is_the_mean_of_the_configuration():
    columns = {
        "downsampling_type": np.array([0.0, 0.0, 1.0]),
        "jpeg_quality": np.array([70.0, 70.0, 95.0]),
        "restoration_point": np.zeros(3),
    }
    rows = ContentRows(columns=columns, bytes_per_pixel=np.array([1.0, 3.0, 10.0]), accuracy=np.zeros(3))
    unknown = replace(rows, columns=columns | {"jpeg_quality": np.array([70.0, 75.0, 95.0])})
    assert offline_mean(rows, "size", unknown).tolist() == [2.0, 14 / 3, 10.0]


def test_figures_by_hand():
    got = figures(np.array([1.0, 2.0, 0.5]), np.array([1.0, 4.0, 0.0]))
    assert got.mae == pytest.approx(2.5 / 3)
    assert got.rmse == pytest.approx(np.sqrt(4.25 / 3))
    assert got.mape == pytest.approx(0.25)  # true values above 0 only
    assert got.r2 == pytest.approx(1 - 4.25 / (25 / 9 * 3 - 25 / 3 + 25 / 9 * 0 + 26 / 3), rel=1)


def test_a_line_is_preferred_until_it_misses_by_5_percent():
    n = np.array([4.0, 8.0, 16.0, 24.0, 28.0])
    assert len(fit_latency(n, 0.3 - 0.005 * n).coefficients) == 2
    bent = fit_latency(n, 0.3 - 0.02 * n + 0.0004 * n**2)
    assert len(bent.coefficients) == 3
    assert bent.residual < 1e-6


def test_masks_have_the_number_asked_for():
    grid = FakeDetector().region_grid(200, 330)
    for count in steps(len(grid), 5):
        assert mask_with(grid, count, seed=1).sum() == count
    assert steps(28, 8) == (0, 4, 8, 12, 16, 20, 24, 28)


def test_too_few_rows_are_refused():
    with pytest.raises(InputError, match="at least two measured rows"):
        fit_linear(made_up_rows(1), "size")


def test_rows_survive_their_file(tmp_path):
    rows = made_up_rows(20)
    save_rows(rows, tmp_path / "deep" / "rows.npz")
    again = load_rows(tmp_path / "deep" / "rows.npz")
    assert np.array_equal(again.accuracy, rows.accuracy)
    assert np.array_equal(again.bytes_per_pixel, rows.bytes_per_pixel)
    assert again.columns.keys() == rows.columns.keys()


def test_a_clip_becomes_a_usable_profile(tmp_path, monkeypatch):
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path / "home"))
    video = write_clip(tmp_path / "clip.mp4", frames=24)
    detector, sampling = FakeDetector(), Sampling(every=4, per_frame=6, repeats=1)
    profile = measure_machine(video, detector, name="mine", begin=quiet, sampling=sampling)
    parts = content_rows([video], detector, begin=quiet, sampling=sampling)
    assert len(parts[0]) == 6 * 6
    assert set(parts[0].columns) >= {"downsampled_share", "relevance_mean", "clip", "frame"}
    assert ((parts[0].accuracy >= 0) & (parts[0].accuracy <= 1)).all()
    profile, fits = with_content(profile, parts)
    assert set(fits) == {"size", "accuracy"}
    assert profile.content.quality_of_fit["size_rows"] > 0
    assert with_decision(profile).device.decide_s > 0
    PerformanceEstimator(profile)
    assert list((tmp_path / "home" / "content").iterdir())


def test_a_clip_that_is_too_short_is_named(tmp_path):
    video = write_clip(tmp_path / "short.mp4", frames=2)
    with pytest.raises(MediaError, match="at least 3 frames"):
        measure_machine(video, FakeDetector(), name="x", begin=quiet)


def test_the_published_profile_is_what_ships_and_says_what_it_assumes():
    made = paper_profile()
    assert load_profile("paper-jetson-rtx5090") == made
    assert made.provenance.origin == "published"
    assert made.provenance.sources
    assert made.provenance.assumed
    assert load_profile("paper-jetson-rtx5090-263ms").server.full_s == pytest.approx(0.263)


def test_the_published_profile_meets_its_two_inputs_and_orders_restoration_points():
    server = paper_profile().server
    assert server.full_s == pytest.approx(0.281)
    assert 0.039 < server.half_s < 0.1
    saved = [server.inference[beta].seconds(14) for beta in range(5)]
    assert saved[0] == pytest.approx(0.281)
    assert all(later < earlier for earlier, later in pairwise(saved))
    outcomes = ("162", "0.162", "0.53", "51 %")
    assert not any(number in json.dumps(paper_profile().provenance.sources) for number in outcomes)
