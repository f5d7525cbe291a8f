"""Importance on the grid of another frame, and its classes as shares."""

import numpy as np
import pytest

from foveate.core import InputError, carry_importance, check_class_map, class_shares, patch_grid


def carried_pixel_by_pixel(importance: np.ndarray, seen: tuple[int, int], full: tuple[int, int]) -> np.ndarray:
    """The mean over finely sampled points of each patch."""
    rows, columns = patch_grid(*full)
    expected = np.zeros((rows, columns))
    for row, column in np.ndindex(rows, columns):
        y = np.linspace(16 * row, min(16 * row + 16, full[0]), 401)[:-1] / full[0] * seen[0]
        x = np.linspace(16 * column, min(16 * column + 16, full[1]), 401)[:-1] / full[1] * seen[1]
        expected[row, column] = importance[np.ix_((y // 16).astype(int), (x // 16).astype(int))].mean()
    return expected


@pytest.mark.parametrize(
    ("seen", "full"), [((64, 96), (128, 192)), ((54, 70), (100, 131)), ((48, 80), (48, 80)), ((90, 100), (45, 33))]
)
def test_a_patch_gets_the_mean_of_what_lies_under_it(seen, full):
    importance = np.random.default_rng(0).random(patch_grid(*seen)).astype(np.float32)
    carried = carry_importance(importance, seen_size=seen, frame_size=full)
    assert carried.dtype == np.float32
    np.testing.assert_allclose(carried, carried_pixel_by_pixel(importance, seen, full), atol=0.02)


def test_twice_the_size_repeats_every_patch():
    importance = np.random.default_rng(1).random((68, 120)).astype(np.float32)
    carried = carry_importance(importance, seen_size=(1080, 1920), frame_size=(2160, 3840))
    np.testing.assert_allclose(carried, importance.repeat(2, axis=0).repeat(2, axis=1)[:135], rtol=1e-5)


def test_the_same_size_changes_nothing():
    importance = np.random.default_rng(2).random((7, 9)).astype(np.float32)
    np.testing.assert_allclose(
        carry_importance(importance, seen_size=(100, 140), frame_size=(100, 140)), importance, rtol=1e-6
    )


def test_a_map_of_another_frame_is_refused():
    with pytest.raises(InputError, match=r"\(100, 140\) must have shape \(7, 9\), got \(7, 8\)"):
        carry_importance(np.zeros((7, 8), np.float32), seen_size=(100, 140), frame_size=(200, 280))


def test_shares_of_classes_sum_to_1_and_count_the_empty_ones():
    assert class_shares(np.array([[0, 0], [0, 1]], np.uint8)).tolist() == [0.75, 0.25, 0]


def test_a_class_map_is_checked():
    good = np.zeros((2, 3), np.uint8)
    assert check_class_map(good, frame_size=(32, 33), count=1) is good
    with pytest.raises(InputError, match=r"uint8 of shape \(2, 3\)"):
        check_class_map(good.T, frame_size=(32, 33))
    with pytest.raises(InputError, match=r"0\.\.0, got 2"):
        check_class_map(good + np.uint8(2), frame_size=(32, 33), count=1)
