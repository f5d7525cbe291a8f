"""Bootstrap against closed forms."""

import numpy as np
import pytest

from foveate.core import InputError
from foveate.evaluation.lab.statistics import Clusters, interval


def crossed(videos, recordings):
    """Names of the cells of a full table, row by row."""
    return (
        [f"v{i}" for i in range(videos) for _ in range(recordings)],
        [f"r{j}" for _ in range(videos) for j in range(recordings)],
    )


def test_the_spread_of_a_mean_is_that_of_both_kinds_of_clusters_together():
    """For values a_i + b_j the bootstrap variance is var(a) / I + var(b) / J, with population variances."""
    rng = np.random.default_rng(1)
    a, b = rng.normal(0, 1, 8), rng.normal(0, 2, 12)
    values = (a[:, None] + b[None, :]).ravel()
    draws = Clusters(*crossed(8, 12), draws=40_000, seed=3).means(values)
    assert draws.mean() == pytest.approx(values.mean(), abs=0.02)
    assert draws.var() == pytest.approx(a.var() / 8 + b.var() / 12, rel=0.03)


def test_with_one_video_it_is_the_ordinary_bootstrap_of_recordings():
    values = np.random.default_rng(2).normal(0, 1, 30)
    draws = Clusters(*crossed(1, 30), draws=40_000).means(values)
    assert draws.var() == pytest.approx(values.var() / 30, rel=0.03)


def test_an_interval_of_a_normal_mean_is_the_textbook_one():
    values = np.random.default_rng(4).normal(5, 1, 200)
    found = Clusters(*crossed(1, 200), draws=20_000).mean_interval(values)
    half = 1.96 * values.std() / np.sqrt(200)
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.01)


def test_cells_of_one_cluster_are_no_samples_of_their_own():
    """Ten equal cells for each video: the interval is that of the videos, not ten times as narrow in variance."""
    a = np.random.default_rng(5).normal(0, 1, 6)
    many = Clusters(*crossed(6, 10), draws=20_000).means(np.repeat(a, 10))
    assert many.var() == pytest.approx(a.var() / 6, rel=0.05)


def test_a_weighted_median_is_the_median_of_the_repeated_values():
    clusters = Clusters(*crossed(3, 4), draws=50, seed=9)
    values = np.random.default_rng(6).integers(0, 8, 12).astype(float)
    for weights, found in zip(clusters.weights, clusters.medians(values), strict=True):
        assert found == np.median(np.repeat(values, weights.astype(int)))


def test_a_difference_is_that_of_pairs():
    rng = np.random.default_rng(7)
    base = rng.normal(0, 5, 60)
    clusters = Clusters(*crossed(6, 10))
    found = clusters.difference(base + 0.1, base)
    assert (found.mean.low, found.mean.value, found.mean.high) == pytest.approx((0.1, 0.1, 0.1))
    assert (found.cells, found.videos, found.recordings) == (60, 6, 10)
    assert found.above == 1
    assert found.sure


def test_a_difference_of_equals_is_0_and_not_sure():
    found = Clusters(*crossed(4, 4)).difference(np.ones(16), np.ones(16))
    assert (found.mean.value, found.above, found.sure) == (0, 0.5, False)


def test_two_clusters_are_not_enough_to_be_sure():
    found = Clusters(*crossed(2, 12)).difference(np.ones(24), np.zeros(24))
    assert not found.enough
    assert not found.sure


def test_the_same_seed_gives_the_same_draws():
    values = np.random.default_rng(8).normal(0, 1, 12)
    first, second, other = (Clusters(*crossed(3, 4), seed=seed).means(values) for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_draws_without_any_cell_are_left_out():
    clusters = Clusters(["a", "b"], ["x", "y"], draws=1000)
    assert 0 < len(clusters.weights) < 1000
    assert np.isfinite(clusters.means([1.0, 2.0])).all()


def test_an_interval_covers_a_true_mean_about_as_often_as_it_says():
    """100 tables of 12 videos and 12 recordings: a percentile interval is a little narrow, never far from 95 %."""
    rng, hits = np.random.default_rng(10), 0
    for number in range(100):
        values = rng.normal(0, 1, (12, 1)) + rng.normal(0, 1, (1, 12)) + rng.normal(0, 0.5, (12, 12))
        found = Clusters(*crossed(12, 12), draws=600, seed=number).mean_interval(values.ravel())
        hits += found.low <= 0 <= found.high
    assert 86 <= hits <= 99


def test_percentiles_of_draws():
    found = interval(1.0, np.arange(1001.0))
    assert (found.low, found.high) == pytest.approx((25, 975))


@pytest.mark.parametrize(("videos", "recordings"), [([], []), (["a"], ["x", "y"])])
def test_cells_need_both_names(videos, recordings):
    with pytest.raises(InputError, match="a video and a recording each"):
        Clusters(videos, recordings)
