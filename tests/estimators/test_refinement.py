"""Refinement against a loop over patches and boxes."""

import numpy as np
import pytest

from foveate.core import Detections, InputError
from foveate.estimators import refine_classes


def boxes(*rows: tuple[float, float, float, float, float]) -> Detections:
    return Detections(
        boxes=[row[:4] for row in rows],
        scores=[row[4] for row in rows],
        class_id=[0] * len(rows),
        class_names=("person",),
    )


def test_patches_whose_centres_lie_in_confident_boxes_go_to_class_0():
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 3, (9, 12), np.uint8)
    near = rng.uniform(-20, 180, (25, 2))
    rows = np.concatenate([near, near + rng.uniform(1, 60, (25, 2)), rng.random((25, 1))], axis=1)
    expected = classes.copy()
    for row, column in np.ndindex(classes.shape):
        x, y = 16 * column + 8, 16 * row + 8
        if any(x1 <= x <= x2 and y1 <= y <= y2 and score >= 0.5 for x1, y1, x2, y2, score in rows):
            expected[row, column] = 0
    refined = refine_classes(classes, boxes(*map(tuple, rows)))
    assert (refined != classes).sum() > 5
    np.testing.assert_array_equal(refined, expected)


def test_the_map_that_came_in_stays_as_it_was():
    classes = np.full((4, 4), 2, np.uint8)
    refined = refine_classes(classes, boxes((0, 0, 64, 64, 0.9)))
    assert classes.min() == 2
    assert refined.max() == 0


def test_the_threshold_decides_which_boxes_are_confident():
    classes, found = np.full((4, 4), 1, np.uint8), boxes((0, 0, 31, 31, 0.4))
    assert refine_classes(classes, found).sum() == 16
    assert refine_classes(classes, found, confidence=0.4).sum() == 12


BEYOND, BETWEEN = (500, 500, 600, 600, 1), (9, 9, 15, 15, 1)


@pytest.mark.parametrize("row", [(-500, -500, -100, -100, 1), BEYOND, BETWEEN, (8.5, 0, 9, 99, 1)])
def test_a_box_that_covers_no_centre_changes_nothing(row):
    classes = np.ones((4, 4), np.uint8)
    np.testing.assert_array_equal(refine_classes(classes, boxes(row)), classes)


def test_without_objects_nothing_changes():
    classes = np.ones((3, 3), np.uint8)
    np.testing.assert_array_equal(refine_classes(classes, Detections.empty(("person",))), classes)


def test_a_threshold_that_is_no_probability_is_refused():
    with pytest.raises(InputError, match=r"0\.\.1, got 1\.5"):
        refine_classes(np.ones((3, 3), np.uint8), boxes(), confidence=1.5)
