"""Fits of size and accuracy, and how they are judged, on rows that follow a known rule."""

from dataclasses import replace

import numpy as np
import pytest

from foveate.core import InputError
from foveate.estimators import DEVICE_ACCURACY_FEATURES, DEVICE_SIZE_FEATURES, Regressor
from foveate.estimators.content_models import MeanModel
from foveate.profiling import (
    OURS,
    ContentRows,
    FitOptions,
    Training,
    figures,
    fit_linear,
    fit_network,
    fitters,
    joined,
    judge,
    leave_one_out,
    offline_means,
)
from foveate.profiling.fit import target_of
from foveate.profiling.light_fits import fit_accuracy, fit_size

QUICK = FitOptions(size=Training(noise=0.0), accuracy=Training(noise=0.0))


def made_up_rows(n=600, seed=0, clip=0, dear=1.0):
    """A smooth rule of the features, a little noise on top; content of this clip costs `dear` times the usual."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 3, n).astype(float)
    columns = {name: np.zeros(n) for name in (*DEVICE_SIZE_FEATURES, *DEVICE_ACCURACY_FEATURES)} | {
        "downsampling_type": kind,
        "downsampled_share": rng.uniform(0, 1, n) * (kind > 0),
        "downsampled_motion": rng.uniform(0, 1, n) * (kind > 0),
        "frame_motion": rng.uniform(0, 0.4, n),
        "jpeg_quality": rng.integers(14, 21, n) * 5.0,
        "restoration_point": rng.integers(0, 5, n) * (kind > 0),
        "relevance_mean": rng.uniform(0, 0.5, n),
        "relevance_spread": rng.uniform(0, 0.3, n),
        "last_size": np.full(n, np.log(0.1 * dear)),
        "expected_size": np.full(n, np.log(0.1 * dear)),
        "last_quality": np.full(n, 95.0),
        "frame": np.arange(n) // 4.0,
        "clip": np.full(n, float(clip)),
        "pixels": np.full(n, 1024.0 * 1000),
    }
    size = 0.05 * dear * np.exp((columns["jpeg_quality"] - 70) / 20 - columns["downsampled_share"])
    accuracy = 1 / (1 + np.exp(-3 + 3 * columns["downsampled_share"] * columns["restoration_point"] / 4))
    return ContentRows(
        columns=columns,
        bytes_per_pixel=size * np.exp(rng.normal(0, 0.02, n)),
        accuracy=np.clip(accuracy + rng.normal(0, 0.01, n), 0, 1),
    )


@pytest.mark.parametrize("target", ["size", "accuracy"])
def test_the_network_learns_what_a_line_cannot(target):
    judged = judge([(made_up_rows(seed=0), made_up_rows(seed=1))], target, fitters(QUICK))
    network = judged.figures("network, paper's inputs")
    assert network.r2 > 0.9
    for other in ("linear, paper's inputs", "offline mean"):
        assert network.mae < 0.7 * judged.figures(other).mae


def test_a_law_of_sizes_is_found_whatever_a_few_rows_say():
    rows = made_up_rows(2000)
    law = 0.1 * np.exp(0.02 * (rows.columns["jpeg_quality"] - 85) - rows.columns["downsampled_share"])
    odd = np.where(np.arange(2000) % 20 == 0, 30.0, 1.0)
    found = Regressor(fit_size(replace(rows, bytes_per_pixel=law * odd), penalty=1e-6))(rows.columns)
    assert np.allclose(found, law, rtol=0.02)


def test_a_logistic_rule_is_found_but_for_the_penalty():
    rows = made_up_rows(2000)
    share, quality = rows.columns["downsampled_share"], rows.columns["jpeg_quality"]
    rule = replace(rows, accuracy=1 / (1 + np.exp(-(1 - 2 * share + 0.05 * (quality - 85)))))
    assert np.allclose(Regressor(fit_accuracy(rule, penalty=1e-6))(rule.columns), rule.accuracy, atol=1e-3)
    held_back = Regressor(fit_accuracy(rule, penalty=10.0))(rule.columns)
    assert np.ptp(held_back) < 0.1
    assert held_back.mean() == pytest.approx(rule.accuracy.mean(), abs=0.01)


def test_frames_count_alike_however_much_was_tried_on_them():
    rows = made_up_rows(100)
    frames = np.repeat([0.0, 1.0], [90, 10])
    two = replace(rows, columns=rows.columns | {"frame": frames}, accuracy=np.where(frames == 0, 0.2, 0.8))
    assert Regressor(fit_accuracy(two, penalty=100.0))(two.columns).mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("f1", [0.0, 1.0])
def test_rows_that_are_all_alike_are_no_infinity(f1):
    rows = made_up_rows(100)
    found = Regressor(fit_accuracy(replace(rows, accuracy=np.full(100, f1))))(rows.columns)
    assert np.allclose(found, f1, atol=0.01)


def test_the_last_offload_tells_how_dear_an_unknown_clip_is():
    seen = joined([made_up_rows(seed=k, clip=k, dear=dear) for k, dear in enumerate((0.5, 1.0, 2.0))])
    judged = judge([(seen, made_up_rows(seed=9, clip=9, dear=6.0))], "size", fitters(QUICK))
    assert judged.figures(OURS).mape < 0.15
    assert judged.figures("network, paper's inputs").mape > 0.5


def test_a_linear_fit_finds_a_line():
    rows = made_up_rows()
    line = replace(rows, bytes_per_pixel=2 + 3 * rows.columns["downsampled_share"] - rows.columns["frame_motion"])
    assert np.allclose(Regressor(fit_linear(line, "size"))(line.columns), line.bytes_per_pixel, atol=1e-5)


def test_the_same_seed_gives_the_same_network():
    rows, options = made_up_rows(100), FitOptions(size=Training(steps=20), seed=3)
    assert fit_network(rows, "size", options=options) == fit_network(rows, "size", options=options)


def test_networks_have_the_papers_shape():
    network = fit_network(made_up_rows(50), "accuracy", FitOptions(accuracy=Training(steps=1)))
    assert [len(biases) for _, biases in network.layers] == [128, 64, 1]


def test_the_offline_mean_is_the_mean_of_the_configuration():
    columns = {
        "downsampling_type": np.array([0.0, 0.0, 1.0]),
        "jpeg_quality": np.array([70.0, 70.0, 95.0]),
        "restoration_point": np.zeros(3),
    }
    rows = ContentRows(columns=columns, bytes_per_pixel=np.array([1.0, 3.0, 10.0]), accuracy=np.zeros(3))
    means = offline_means(rows)
    assert means.bytes_per_pixel == (2.0, 10.0)
    unknown = columns | {"jpeg_quality": np.array([70.0, 75.0, 95.0])}
    assert MeanModel(means, means.bytes_per_pixel)(unknown).tolist() == [2.0, 6.0, 10.0]


def test_too_few_rows_are_refused():
    with pytest.raises(InputError, match="at least two measured rows"):
        fit_linear(made_up_rows(1), "size")


def test_figures_by_hand():
    got = figures(np.array([1.0, 2.0, 0.5]), np.array([1.0, 4.0, 0.0]))
    assert got.mae == pytest.approx(2.5 / 3)
    assert got.rmse == pytest.approx(np.sqrt(4.25 / 3))
    assert got.mape == pytest.approx(0.25)  # true values above 0 only
    assert got.r2 == pytest.approx(1 - 4.25 / (26 / 3))


def test_sizes_are_judged_in_kib():
    rows = made_up_rows(40)
    judged = judge([(rows, rows)], "size", {"itself": lambda seen, target: lambda columns: target_of(rows, target)})
    assert np.allclose(judged.true, rows.bytes_per_pixel * 1000)
    assert judged.figures("itself").mae == 0


def test_each_clip_is_judged_by_a_fit_on_the_others():
    parts = [made_up_rows(20, seed=k, clip=k) for k in range(3)]
    pairs = leave_one_out(parts)
    assert [set(unseen.columns["clip"]) for _, unseen in pairs] == [{0}, {1}, {2}]
    assert [set(seen.columns["clip"]) for seen, _ in pairs] == [{1, 2}, {0, 2}, {0, 1}]


def test_a_single_clip_is_judged_on_its_end():
    ((seen, unseen),) = leave_one_out([made_up_rows(80)])
    assert seen.columns["frame"].max() < unseen.columns["frame"].min()


def test_an_interval_grows_where_clips_disagree():
    def off_by(clip_errors):
        parts = [made_up_rows(30, seed=k, clip=k) for k in range(4)]
        fit = {"m": lambda seen, target: lambda c: 0.5 + np.array(clip_errors)[c["clip"].astype(int)]}
        flat = [replace(part, accuracy=np.full(30, 0.5)) for part in parts]
        return judge(leave_one_out(flat), "accuracy", fit).interval("m", lambda f: f.mae)

    assert off_by([0.1] * 4) == pytest.approx((0.1, 0.1))
    low, high = off_by([0.0, 0.0, 0.2, 0.2])
    assert low < 0.06
    assert high > 0.14
