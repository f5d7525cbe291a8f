"""Pareto frontier and knee against exhaustive references."""

import numpy as np
import pytest

from foveate.core import InputError
from foveate.policies import expected_f1, knee_point, pareto_frontier


def dominated(latency, accuracy, i):
    """Whether some point is at least as good as i in both objectives, and better in one or earlier in the list."""
    for j in range(len(latency)):
        as_good = latency[j] <= latency[i] and accuracy[j] >= accuracy[i]
        better = latency[j] < latency[i] or accuracy[j] > accuracy[i]
        if j != i and as_good and (better or j < i):
            return True
    return False


@pytest.mark.parametrize("seed", range(30))
def test_the_frontier_is_all_that_nothing_dominates(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 80))
    # Few different values, so that ties of every kind occur.
    latency, accuracy = rng.integers(0, 12, n) / 10.0, rng.integers(0, 12, n) / 10.0
    wanted = [i for i in range(n) if not dominated(latency, accuracy, i)]
    got = pareto_frontier(latency, accuracy)
    assert sorted(got) == wanted
    assert (np.diff(latency[got]) > 0).all()
    assert (np.diff(accuracy[got]) > 0).all()


def knee_by_hand(latency, accuracy):
    """The definition, written out: normalise over all, walk the frontier, measure the distance from the chord."""
    n = len(latency)
    x = [(v - min(latency)) / (max(latency) - min(latency) or 1) for v in latency]
    y = [(v - min(accuracy)) / (max(accuracy) - min(accuracy) or 1) for v in accuracy]
    frontier = sorted((i for i in range(n) if not dominated(latency, accuracy, i)), key=lambda i: x[i])
    first, last = frontier[0], frontier[-1]
    length = np.hypot(x[last] - x[first], y[last] - y[first])
    best, chosen = 0.0, None
    for i in frontier[1:-1]:
        distance = ((x[last] - x[first]) * (y[i] - y[first]) - (y[last] - y[first]) * (x[i] - x[first])) / length
        if distance > best + 1e-9:
            best, chosen = distance, i
    if chosen is not None:
        return chosen
    return max(frontier, key=lambda i: (round(y[i] - x[i], 9), -x[i]))


@pytest.mark.parametrize("seed", range(60))
def test_the_knee_is_where_the_definition_says(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 78))
    latency = rng.uniform(0.05, 2, n)
    accuracy = np.clip(0.4 + 0.3 * latency + rng.normal(0, 0.1, n), 0, 1)
    assert knee_point(latency, accuracy) == knee_by_hand(list(latency), list(accuracy))


def test_a_clear_knee_and_its_signed_side():
    latency = np.array([0.0, 0.1, 1.0])
    assert knee_point(latency, np.array([0.0, 0.9, 1.0])) == 1
    # The middle point lies on the wrong side of the chord: the best mean of both objectives, the lower latency first.
    assert knee_point(latency, np.array([0.0, 0.02, 1.0])) == 0
    assert knee_point(np.array([0.0, 0.9, 1.0]), np.array([0.0, 0.1, 1.0])) == 0


def test_two_points_and_one():
    assert knee_point(np.array([1.0, 2.0]), np.array([0.5, 0.6])) == 0
    assert knee_point(np.array([1.0]), np.array([0.5])) == 0
    assert knee_point(np.array([1.0, 1.0, 1.0]), np.array([0.5, 0.5, 0.5])) == 0


def test_utility_takes_the_greatest_sum():
    latency, accuracy = np.array([0.0, 0.1, 0.3, 1.0]), np.array([0.0, 0.55, 0.8, 1.0])
    assert knee_point(latency, accuracy, kind="utility") == 2


def test_dominated_points_stretch_the_normalisation_but_are_never_chosen():
    latency, accuracy = np.array([0.1, 0.2, 0.3, 5.0]), np.array([0.5, 0.8, 0.9, 0.1])
    assert knee_point(latency, accuracy) in {0, 1, 2}


@pytest.mark.parametrize("bad", [np.zeros(0), np.array([np.nan]), np.array([np.inf])])
def test_nothing_to_choose_from_is_refused(bad):
    with pytest.raises(InputError, match="finite"):
        pareto_frontier(bad, bad)


@pytest.mark.parametrize("rate", [0.0, 0.5, 3.0])
def test_what_is_shown_is_the_mean_over_the_ages_at_which_it_is_shown(rate):
    latency, accuracy = np.array([0.05, 0.2, 1.5]), np.array([0.9, 0.5, 1.0])
    ages = latency * (1 + (np.arange(10_000)[:, None] + 0.5) / 10_000)
    wanted = accuracy * np.exp(-rate * ages).mean(axis=0)
    assert expected_f1(latency, accuracy, fading_per_s=rate) == pytest.approx(wanted, rel=1e-4)
