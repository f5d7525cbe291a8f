"""Equations 3 and 4 of Hyperion: fits find what made the data, and sums over classes are the equations."""

from itertools import combinations, product

import numpy as np
import pytest

from foveate.core import CLASS_QUALITIES, AccuracyLine, AccuracyTable, InputError, SizeLine, SizeTable
from foveate.estimators import (
    OriginalSize,
    accuracy_by_class,
    fit_accuracy_line,
    fit_accuracy_table,
    fit_size_line,
    fit_size_table,
    non_negative_least_squares,
    predicted_ratio,
    size_by_class,
)

CHOSEN = np.array(list(product(CLASS_QUALITIES, repeat=3)))


@pytest.mark.parametrize("seed", range(20))
def test_non_negative_least_squares_is_the_best_of_all_supports(seed):
    rng = np.random.default_rng(seed)
    inputs, wanted = rng.normal(size=(15, 5)) * 10.0 ** rng.integers(-3, 4, 5), rng.normal(size=15)
    best = float(wanted @ wanted)
    for size in range(1, 6):
        for support in combinations(range(5), size):
            part = np.linalg.lstsq(inputs[:, support], wanted, rcond=None)[0]
            if (part >= 0).all():
                best = min(best, float(((inputs[:, support] @ part - wanted) ** 2).sum()))
    solution = non_negative_least_squares(inputs, wanted)
    assert solution.min() >= 0
    assert ((inputs @ solution - wanted) ** 2).sum() == pytest.approx(best, rel=1e-9)


@pytest.mark.parametrize("size", [0, 1e-250, 1e-11, 1, 1e250])
def test_results_of_any_size_are_fitted_alike(size):
    inputs = np.array([[1.0, 0.0, 2.0], [2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [1.0, 1.0, 1.0]])
    wanted = inputs @ [2.0, 0.0, 0.5]
    np.testing.assert_allclose(non_negative_least_squares(inputs, size * wanted), [2 * size, 0, 0.5 * size], atol=0)


def test_a_column_of_zeros_gets_a_zero():
    solution = non_negative_least_squares(np.array([[0.0, 1.0], [0.0, 2.0]]), np.array([3.0, 6.0]))
    np.testing.assert_allclose(solution, [0, 3])


def test_the_line_finds_slope_and_intercept():
    mean_quality = np.linspace(10, 100, 30)
    line = fit_size_line(0.009 * mean_quality - 0.1, mean_quality)
    assert (line.slope, line.intercept) == (pytest.approx(0.009), pytest.approx(-0.1))


def test_by_class_the_line_sums_to_equation_3():
    line, shares, chosen = SizeLine(slope=0.009, intercept=-0.05), np.array([0.7, 0.2, 0.1]), (30, 70, 100)
    sizes, fixed = size_by_class(line, original_bytes=1e6, shares=shares, qualities=CLASS_QUALITIES)
    columns = [CLASS_QUALITIES.index(quality) for quality in chosen]
    total = fixed + sum(row[column] for row, column in zip(sizes, columns, strict=True))
    assert total == pytest.approx(1e6 * (0.009 * (0.7 * 30 + 0.2 * 70 + 0.1 * 100) - 0.05))
    assert predicted_ratio(line, shares, chosen) == pytest.approx(total / 1e6)


def table() -> SizeTable:
    bent = np.array([[0.05, 0.1, 0.15, 0.21, 0.42, 0.6, 1.0]])
    return SizeTable(qualities=CLASS_QUALITIES, ratio=tuple(map(tuple, bent * [[0.5], [1.0], [1.5]])))


def test_the_table_finds_the_sizes_that_made_the_data():
    truth, rng = table(), np.random.default_rng(0)
    shares = rng.dirichlet((5, 3, 1), 6).repeat(len(CHOSEN), axis=0)
    chosen = np.tile(CHOSEN, (6, 1))
    ratio = np.array([predicted_ratio(truth, p, tuple(q)) for p, q in zip(shares, chosen, strict=True)])
    fitted = fit_size_table(ratio, shares, chosen, CLASS_QUALITIES)
    np.testing.assert_allclose(
        [predicted_ratio(fitted, p, tuple(q)) for p, q in zip(shares[::7], chosen[::7], strict=True)],
        ratio[::7],
        atol=1e-6,
    )


def test_noise_never_bends_the_table_the_wrong_way():
    rng = np.random.default_rng(1)
    shares, chosen = rng.dirichlet((5, 3, 1), len(CHOSEN)), CHOSEN
    fitted = fit_size_table(rng.uniform(0.1, 1, len(CHOSEN)), shares, chosen, CLASS_QUALITIES)
    slopes = np.diff(fitted.ratio, axis=1) / np.diff(CLASS_QUALITIES)
    assert slopes.min() >= -1e-12
    assert np.diff(slopes, axis=1).min() >= -1e-9


def test_accuracy_finds_its_weights_and_no_weight_is_negative():
    line = fit_accuracy_line(CHOSEN @ [0.001, 0.0005, 0.0] + 0.2, CHOSEN)
    np.testing.assert_allclose(line.weights, [0.001, 0.0005, 0], atol=1e-9)
    assert line.bias == pytest.approx(0.2)
    wrong_way = fit_accuracy_line(CHOSEN @ [0.001, -0.002, 0.0003], CHOSEN)
    assert wrong_way.weights[1] == 0
    assert wrong_way.weights[0] == pytest.approx(0.001)
    np.testing.assert_allclose(accuracy_by_class(line, (10, 100)), [[0.01, 0.1], [0.005, 0.05], [0, 0]], atol=1e-7)


def test_the_accuracy_table_finds_gains_that_flatten_out():
    worth = np.array([[0, 0.2, 0.3, 0.35, 0.36, 0.36, 0.36], [0, 0.01, 0.02, 0.03, 0.04, 0.0425, 0.045], [0] * 7])
    columns = np.searchsorted(CLASS_QUALITIES, CHOSEN)
    accuracy = 0.1 + sum(worth[c][columns[:, c]] for c in range(3))
    fitted = fit_accuracy_table(accuracy, CHOSEN, CLASS_QUALITIES)
    np.testing.assert_allclose(fitted.worth, worth, atol=1e-6)
    assert fitted.bias == pytest.approx(0.1)
    np.testing.assert_allclose(accuracy_by_class(fitted, (30, 100)), worth[:, [1, 6]], atol=1e-6)


def test_noise_never_bends_the_accuracy_table_the_wrong_way():
    fitted = fit_accuracy_table(np.random.default_rng(0).random(len(CHOSEN)), CHOSEN, CLASS_QUALITIES)
    slopes = np.diff(fitted.worth, axis=1) / np.diff(CLASS_QUALITIES)
    assert slopes.min() >= -1e-12
    assert np.diff(slopes, axis=1).max() <= 1e-9


def test_the_original_size_follows_the_last_offload_and_the_thumbnails():
    original = OriginalSize(per_thumbnail=30)
    assert original.estimate(1000) == 30_000
    original.observe(size_bytes=10_000, predicted_ratio=0.25, thumbnail_bytes=1000)
    assert original.estimate(1000) == pytest.approx(40_000)
    assert original.estimate(1500) == pytest.approx(60_000)
    damped = OriginalSize(per_thumbnail=30, exponent=0.5)
    damped.observe(size_bytes=10_000, predicted_ratio=0.25, thumbnail_bytes=1000)
    assert damped.estimate(4000) == pytest.approx(80_000)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: SizeLine(slope=0, intercept=1), "above 0"),
        (lambda: AccuracyLine(weights=(0.1, -0.1), bias=0), "at least 0"),
        (lambda: AccuracyTable(qualities=(10, 50, 100), worth=((0, 0.1, 0.5),), bias=0), "concave"),
        (lambda: AccuracyTable(qualities=(10, 50), worth=((0.1, 0),), bias=0), "rise"),
        (lambda: SizeTable(qualities=(10, 50, 100), ratio=((0.1, 0.5, 0.6),)), "convex"),
        (lambda: SizeTable(qualities=(10, 50), ratio=((0.5, 0.1),)), "rise"),
        (lambda: SizeTable(qualities=(50, 10), ratio=((0.1, 0.2),)), "rise"),
        (lambda: SizeTable(qualities=(10, 50), ratio=((0.1,),)), "needs 2 numbers"),
        (lambda: size_by_class(table(), original_bytes=1, shares=np.ones(3), qualities=(11,)), r"not for \[11\]"),
        (lambda: size_by_class(table(), original_bytes=1, shares=np.ones(2), qualities=(10,)), "3 classes"),
        (lambda: OriginalSize(per_thumbnail=0), "above 0"),
        (lambda: non_negative_least_squares(np.ones((3, 2)), np.ones(2)), "least squares need"),
    ],
)
def test_models_that_cannot_be_are_refused(wrong, says):
    with pytest.raises(InputError, match=says):
        wrong()
