"""Natural breaks against the exact algorithm of another implementation, and on bins."""

from itertools import combinations

import numpy as np
import pytest

from foveate.core import InputError, class_shares
from foveate.estimators import classify_patches, goodness_of_variance_fit, importance_classes, natural_breaks


def values(seed: int, count: int) -> np.ndarray:
    """Long-tailed, or with many ties."""
    rng = np.random.default_rng(seed)
    return rng.lognormal(size=count) if seed % 2 else rng.integers(0, 12, count).astype(float)


def attention_like(seed: int, shape: tuple[int, int] = (135, 240)) -> np.ndarray:
    """A mass of background, a smooth middle and a long tail."""
    rng = np.random.default_rng(seed)
    return (rng.lognormal(0, 0.6, shape) * (1 + 9 * (rng.random(shape) < 0.1))).astype(np.float32)


def fit(numbers: np.ndarray, classes: int, bins: int | None) -> float:
    return goodness_of_variance_fit(numbers, importance_classes(numbers, natural_breaks(numbers, classes, bins=bins)))


@pytest.mark.oracle
@pytest.mark.parametrize("seed", range(40))
def test_the_exact_mode_fits_as_well_as_jenkspy(seed):
    import jenkspy

    numbers = values(seed, 10 + seed)
    for classes in (2, 3, 5):
        theirs = importance_classes(numbers, jenkspy.jenks_breaks(numbers, n_classes=classes)[1:-1])
        assert fit(numbers, classes, None) == pytest.approx(goodness_of_variance_fit(numbers, theirs), abs=1e-12)


def test_no_other_pair_of_cuts_is_better():
    numbers = np.sort(values(1, 24))
    best = max(
        goodness_of_variance_fit(numbers, np.repeat([0, 1, 2], np.diff([0, a, b, 24])))
        for a, b in combinations(range(1, 24), 2)
    )
    assert fit(numbers, 3, None) == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_bins_of_a_4k_frame_give_the_exact_classes_but_for_a_few_patches(seed):
    importance = attention_like(seed)
    exact = importance_classes(importance, natural_breaks(importance, bins=None))
    binned = importance_classes(importance, natural_breaks(importance))
    assert (binned == exact).mean() >= 0.99
    assert goodness_of_variance_fit(importance, binned) >= 0.999 * goodness_of_variance_fit(importance, exact)


def test_as_many_bins_as_values_are_exact():
    numbers = values(3, 200)
    np.testing.assert_array_equal(natural_breaks(numbers, 4, bins=200), natural_breaks(numbers, 4, bins=None))


def test_one_far_value_is_a_class_of_its_own():
    numbers = np.concatenate([np.linspace(0, 1, 5000), [100.0]])
    assert importance_classes(numbers, natural_breaks(numbers, 2)).tolist() == [0] * 5000 + [1]


@pytest.mark.parametrize("far", [1e8, 1e10, 1e14])
@pytest.mark.parametrize("seed", range(5))
def test_far_values_do_not_blur_breaks_of_the_others(seed, far):
    near = np.random.default_rng(seed).random(30) * 10
    breaks = natural_breaks(near, 3, bins=None)
    above = natural_breaks(np.append(near, far), 4, bins=None)
    np.testing.assert_array_equal(above, [*breaks, near.max()])
    around = natural_breaks(np.append(near, [-far, far]), 5, bins=None)
    np.testing.assert_array_equal(around, [-far, *breaks, near.max()])


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e200, 1e300])
def test_values_of_any_size_are_divided_alike(scale):
    numbers = np.array([1.0, 2.0, 3.0, 10.0, 11.0, 30.0])
    np.testing.assert_array_equal(natural_breaks(numbers * scale, 3), numbers[[2, 4]] * scale)


def test_a_value_on_a_break_lies_below_it_and_classes_follow_values():
    importance = attention_like(5, (20, 30))
    breaks = natural_breaks(importance)
    classes = importance_classes(importance, breaks)
    assert breaks[0] < breaks[1]
    assert classes.dtype == np.uint8
    assert classes.shape == importance.shape
    assert importance[classes == 0].max() == breaks[0]
    assert importance[classes == 1].max() == breaks[1]


@pytest.mark.parametrize(("numbers", "used"), [([3.0] * 7, 1), ([1.0, 2.0, 1.0], 2), ([5.0], 1)])
def test_with_fewer_values_than_classes_the_highest_stay_empty(numbers, used):
    classes = importance_classes(numbers, natural_breaks(numbers, 3))
    assert sorted(set(classes.tolist())) == list(range(used))


def test_the_scale_of_importance_changes_no_map_and_a_power_changes_no_class_on_the_log_scale():
    importance = attention_like(2, (40, 50)).astype(np.float64)
    for scale in ("linear", "log"):
        classes = classify_patches(importance, scale=scale)
        np.testing.assert_array_equal(classify_patches(importance * 8, scale=scale), classes)
    np.testing.assert_array_equal(classify_patches(importance**2, scale="log"), classes)


def test_256_classes_are_told_apart():
    numbers = np.arange(256.0)
    np.testing.assert_array_equal(importance_classes(numbers, natural_breaks(numbers, 256)), np.arange(256))


def test_classes_of_logarithms_are_less_uneven():
    importance = attention_like(4)
    assert class_shares(classify_patches(importance, scale="log"))[0] < class_shares(classify_patches(importance))[0]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: natural_breaks([]), "at least one value"),
        (lambda: natural_breaks([1.0, np.nan]), "all of them finite"),
        (lambda: natural_breaks([1.0, -np.inf]), "all of them finite"),
        (lambda: natural_breaks([1.0], 0), "at least one class"),
        (lambda: natural_breaks([1.0], bins=0), "one bin"),
        (lambda: classify_patches(np.ones((2, 2), np.float32), scale="cubic"), "linear, log, got 'cubic'"),
        (lambda: classify_patches(np.ones((2, 2), np.float32), 257), "at most 256 classes .* got 257"),
    ],
)
def test_what_cannot_be_divided_is_refused(wrong, says):
    with pytest.raises(InputError, match=says):
        wrong()
