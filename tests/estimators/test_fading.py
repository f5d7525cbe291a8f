"""How fast a tracked result falls behind, from results that came."""

from math import exp

import numpy as np
import pytest

from foveate.estimators import Fading
from foveate.estimators.fading import USUAL_RATE_PER_S


def test_before_any_observation_it_is_what_is_usual():
    assert Fading().rate_per_s == pytest.approx(USUAL_RATE_PER_S)


@pytest.mark.parametrize("rate", [0.2, 1.0, 2.0])
def test_observations_of_many_ages_bring_the_rate(rate):
    """But for what the usual still weighs."""
    it = Fading()
    for age in np.random.default_rng(0).uniform(0.1, 2, 200):
        it.observe(exp(-0.25 - rate * age), age)
    assert it.rate_per_s == pytest.approx(rate, abs=0.35 * abs(rate - USUAL_RATE_PER_S) + 1e-9)


def test_the_latest_observations_count_most():
    it = Fading()
    for rate in (3.0, 0.3):
        for age in (0.3, 0.6) * 20:
            it.observe(exp(-0.25 - rate * age), age)
    assert it.rate_per_s < 0.6


def test_a_picture_that_is_lost_whole_is_no_infinity():
    it = Fading()
    for _ in range(50):
        it.observe(0.0, 0.2)
    assert np.isfinite(it.rate_per_s)


def test_results_that_get_better_with_age_do_not_make_it_negative():
    it = Fading()
    for _ in range(50):
        it.observe(0.2, 0.1)
        it.observe(1.0, 2.0)
    assert it.rate_per_s == 0
