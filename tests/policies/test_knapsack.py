"""The dynamic programme against enumeration of all choices."""

from itertools import product

import numpy as np
import pytest

from foveate.core import InputError
from foveate.policies import best_choice, size_budget_bytes, whole_kib


def enumerated(accuracy: np.ndarray, size: np.ndarray, budget: int) -> tuple[float, int] | None:
    """Greatest accuracy within the budget, and the least size that has it."""
    best = None
    for columns in product(range(size.shape[1]), repeat=len(size)):
        used = sum(int(row[column]) for row, column in zip(size, columns, strict=True))
        worth = 0.0
        for row, column in zip(accuracy, columns, strict=True):
            worth += float(row[column])
        if used <= budget and (best is None or (worth, -used) > (best[0], -best[1])):
            best = worth, used
    return best


def problem(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    classes, qualities = int(rng.integers(1, 5)), int(rng.integers(1, 8))
    if seed % 3 == 0:  # as the profilers make them: both rise with quality
        return np.sort(rng.random((classes, qualities))), np.sort(rng.integers(0, 60, (classes, qualities)))
    if seed % 3 == 1:  # many ties
        return rng.integers(0, 3, (classes, qualities)).astype(float), rng.integers(0, 5, (classes, qualities))
    return rng.normal(size=(classes, qualities)), rng.integers(0, 200, (classes, qualities))


@pytest.mark.parametrize("seed", range(60))
def test_no_choice_that_fits_is_better(seed):
    accuracy, size = problem(seed)
    least, most = int(size.min(axis=1).sum()), int(size.max(axis=1).sum())
    for budget in {least - 1, least, (least + most) // 2, most - 1, most, most + 50}:
        expected, found = enumerated(accuracy, size, budget), best_choice(accuracy, size, budget)
        if expected is None:
            assert found is None
            continue
        used = sum(int(row[column]) for row, column in zip(size, found, strict=True))
        worth = 0.0
        for row, column in zip(accuracy, found, strict=True):
            worth += float(row[column])
        assert (worth, used) == expected


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("tolerance", [0.05, 0.3])
def test_the_smallest_choice_within_the_tolerance_is_taken(seed, tolerance):
    accuracy, size = problem(seed)
    budget = (int(size.min(axis=1).sum()) + int(size.max(axis=1).sum())) // 2
    best, _ = enumerated(accuracy, size, budget)
    columns = best_choice(accuracy, size, budget, tolerance=tolerance)
    rows = range(len(size))
    assert accuracy[rows, columns].sum() >= best - tolerance - 1e-12
    used = int(size[rows, columns].sum())
    cheaper = None if used == 0 else enumerated(accuracy, size, used - 1)
    assert cheaper is None or cheaper[0] < best - tolerance + 1e-12


def test_nothing_fits_below_the_smallest_choice():
    assert best_choice([[1, 2], [1, 2]], [[3, 5], [4, 9]], 6) is None
    assert best_choice([[1, 2], [1, 2]], [[3, 5], [4, 9]], 7) == (0, 0)
    assert best_choice([[1.0]], [[0]], -1) is None


def test_the_budget_goes_where_it_is_worth_most():
    accuracy, size = [[0.1, 0.2], [0.1, 0.9]], [[10, 100], [10, 100]]
    assert best_choice(accuracy, size, 110) == (0, 1)
    assert best_choice(accuracy, size, 200) == (1, 1)


def test_a_class_may_choose_among_256_qualities():
    assert best_choice([list(range(256))], [[0] * 256], 0) == (255,)


def test_a_large_budget_costs_no_more_states_than_the_largest_choice():
    assert best_choice([[0.0, 1.0]], [[1, 2]], 10**15) == (1,)


def test_sizes_are_rounded_up_to_whole_kib():
    assert whole_kib(np.array([0, 1, 1023.9, 1024, 1025, -5])).tolist() == [0, 1, 1, 1, 2, 0]


def test_the_budget_is_what_the_uplink_carries_in_the_time_that_is_left():
    budget = size_budget_bytes(constraint_s=0.4, device_s=0.1, cloud_s=0.15, uplink_bps=8e6, rtt_s=0.05)
    assert budget == pytest.approx(100_000)
    assert size_budget_bytes(constraint_s=0.2, device_s=0.1, cloud_s=0.15, uplink_bps=8e6) == 0


@pytest.mark.parametrize(
    ("accuracy", "size", "says"),
    [
        ([[1.0, 2.0]], [[1]], "classes x qualities"),
        ([], np.zeros((0, 0), int), "classes x qualities"),
        (np.ones((1, 257)), np.zeros((1, 257), int), "at most 256 qualities, got 257"),
        ([[1.0]], [[1.5]], "whole numbers"),
        ([[1.0]], [[-1]], "at least 0"),
        ([[1.0, np.nan]], [[1, 2]], "finite"),
        ([[-np.inf]], [[1]], "finite"),
    ],
)
def test_tables_that_do_not_fit_are_refused(accuracy, size, says):
    with pytest.raises(InputError, match=says):
        best_choice(accuracy, size, 10)
