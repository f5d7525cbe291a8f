import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveate.core import InputError
from foveate.estimators.combination import Combination
from foveate.estimators.confidence import calibration_error, fit_temperature, negative_log_likelihood, softmax


def overconfident(factor, count=3000, classes=5, seed=0):
    """Labels drawn from the probabilities of logits, and those logits times a factor."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (count, classes))
    labels = np.array([rng.choice(classes, p=row) for row in softmax(logits)])
    return (logits * factor).astype(np.float32), labels


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_the_fitted_temperature_undoes_what_sharpened_the_logits(factor):
    logits, labels = overconfident(factor)
    assert fit_temperature(logits, labels) == pytest.approx(factor, rel=0.08)


def test_no_other_temperature_is_more_likely():
    logits, labels = overconfident(2.0, count=400)
    best = fit_temperature(logits, labels)
    least = negative_log_likelihood(logits, labels, best)
    assert all(negative_log_likelihood(logits, labels, best * f) >= least for f in (0.5, 0.9, 1.1, 2.0))


def test_scaling_brings_confidence_near_accuracy():
    logits, labels = overconfident(3.0)
    before = calibration_error(softmax(logits), labels)
    after = calibration_error(softmax(logits, fit_temperature(logits, labels)), labels)
    assert after < 0.03 < before


def test_samples_of_equal_confidence_share_a_bin_in_any_order():
    probabilities, labels = np.full((1500, 2), 0.5), np.repeat([0, 1], 750)
    assert calibration_error(probabilities, labels) == pytest.approx(0)
    shares = np.random.default_rng(1).choice([0.6, 0.7, 0.9], 400)
    probabilities, labels = np.stack([shares, 1 - shares], axis=1), np.arange(400) % 2
    gaps = [abs((shares[shares == s] - (labels[shares == s] == 0)).sum()) for s in (0.6, 0.7, 0.9)]
    assert calibration_error(probabilities, labels) == pytest.approx(sum(gaps) / 400)


def test_different_confidences_fill_bins_equally():
    shares = np.random.default_rng(2).permutation(np.linspace(0.51, 0.99, 100))
    probabilities, labels = np.stack([shares, 1 - shares], axis=1), np.arange(100) % 2
    parts = np.array_split(np.argsort(shares), 15)
    expected = sum(abs((shares[part] - (labels[part] == 0)).sum()) for part in parts) / 100
    assert calibration_error(probabilities, labels) == pytest.approx(expected)


@settings(max_examples=20, deadline=None)
@given(temperature=st.floats(0.1, 10))
def test_a_temperature_never_changes_the_answer(temperature):
    logits = np.random.default_rng(0).normal(0, 30, (20, 7))
    assert np.array_equal(softmax(logits, temperature).argmax(axis=1), logits.argmax(axis=1))
    assert softmax(logits, temperature).sum(axis=1) == pytest.approx(np.ones(20))


def test_a_temperature_of_zero_and_a_fit_without_samples_are_refused():
    with pytest.raises(InputError, match="above 0"):
        softmax(np.zeros(3), 0.0)
    with pytest.raises(InputError, match="samples"):
        fit_temperature(np.zeros((0, 3), np.float32), np.zeros(0, np.int64))


def test_the_expert_answers_alone_unless_the_generalist_has_a_share():
    generalist, expert = np.array([[9.0, 0, 0]]), np.array([[0, 1.0, 0]])
    assert Combination().answers(generalist, expert, (1,)).tolist() == [1]
    assert Combination(generalist_share=0.5).answers(generalist, expert, (1,)).tolist() == [0]


def test_a_gain_tips_the_scales_for_the_own_classes():
    logits = np.array([[1.0, 0.8, 0]])
    assert Combination().answers(logits, logits, (1,)).tolist() == [0]
    assert Combination(subset_gain=0.5).answers(logits, logits, (1,)).tolist() == [1]
