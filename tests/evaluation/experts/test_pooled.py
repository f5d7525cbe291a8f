"""Accuracies over pictures and trainings."""

import numpy as np
import pytest

from foveate.evaluation.experts.pooled import over_both, pooled_figures, pooled_of


def test_trainings_that_differ_widen_the_interval():
    rng = np.random.default_rng(0)
    alike = (rng.random((3, 400)) < 0.5).astype(float)
    apart = (rng.random((3, 400)) < np.array([[0.2], [0.5], [0.8]])).astype(float)
    first, second = over_both(alike), over_both(apart)
    assert first.low < first.value < first.high
    assert second.high - second.low > 2 * (first.high - first.low)


def test_the_interval_of_one_training_is_over_pictures():
    values = (np.random.default_rng(0).random((1, 1000)) < 0.5).astype(float)
    found = over_both(values)
    assert found.value == values.mean()
    assert found.high - found.low == pytest.approx(2 * 1.96 * 0.5 / np.sqrt(1000), rel=0.1)


def test_a_figure_counts_over_the_trainings_that_have_it():
    ones, halves = np.ones(10), np.full(10, 0.5)
    rows = list(pooled_figures([{("accuracy", "a"): ones}, {("accuracy", "a"): halves, ("accuracy", "b"): ones}]))
    assert [(row["of"], row["trainings"], row["by_training"]) for row in rows] == [
        ("a", 2, [1.0, 0.5]),
        ("b", 1, [1.0]),
    ]
    assert pooled_of(rows, "accuracy", "a").value == 0.75
    assert pooled_of(rows, "limited", "a") is None
