"""Masks as pixels: against a loop over pixels."""

import numpy as np
import pytest

from foveate.core import Detections, InputError
from foveate.models import Segmented


def segmented(boxes, masks, size=(40, 60)) -> Segmented:
    count = len(boxes)
    detections = Detections(
        boxes=np.array(boxes), scores=np.ones(count), class_id=np.zeros(count), class_names=("thing",)
    )
    return Segmented(detections=detections, masks=np.asarray(masks, np.float32), frame_size=size)


def naive_pixels(mask, box, size, threshold=0.5):
    """Bilinear between the centres of cells, 0 outside of them."""
    whole, side = np.zeros(size, bool), len(mask)
    padded = np.pad(mask, 1)
    for row in range(size[0]):
        for column in range(size[1]):
            y = (row + 0.5 - box[1]) / (box[3] - box[1]) * side - 0.5 + 1
            x = (column + 0.5 - box[0]) / (box[2] - box[0]) * side - 0.5 + 1
            if not (0 <= y < side + 1 and 0 <= x < side + 1):
                continue
            top, left = int(y), int(x)
            v, u = y - top, x - left
            value = (padded[top, left] * (1 - u) + padded[top, left + 1] * u) * (1 - v)
            value += (padded[top + 1, left] * (1 - u) + padded[top + 1, left + 1] * u) * v
            whole[row, column] = value >= threshold
    return whole


@pytest.mark.parametrize(
    "box", [(10.3, 5.2, 50.7, 33.9), (0, 0, 60, 40), (-9.5, 20.2, 8.1, 55.0), (30.2, 10.1, 31.0, 39.5)]
)
@pytest.mark.parametrize("threshold", [0.3, 0.5])
def test_pixels_equal_a_loop_over_pixels(box, threshold):
    mask = np.random.default_rng(0).random((28, 28)).astype(np.float32)
    got = segmented([box], [mask]).pixels(0, threshold=threshold)
    np.testing.assert_array_equal(got, naive_pixels(mask, box, (40, 60), threshold))
    assert got.any()


def test_a_full_mask_covers_its_box():
    got = segmented([(10, 5, 50, 35)], np.ones((1, 28, 28))).pixels(0)
    expected = np.zeros((40, 60), bool)
    expected[5:35, 10:50] = True
    np.testing.assert_array_equal(got, expected)


def test_a_box_without_area_has_no_pixels():
    assert not segmented([(10, 5, 10, 35)], np.ones((1, 28, 28))).pixels(0).any()


@pytest.mark.parametrize("box", [(70, 5, 80, 9), (-20, 5, -10, 9), (10, 50, 20, 60), (10, -9, 20, -4), (61, 5, 64, 9)])
def test_a_box_outside_the_frame_has_no_pixels(box):
    got = segmented([box], np.ones((1, 28, 28))).pixels(0)
    assert got.shape == (40, 60)
    assert not got.any()


def test_there_is_one_mask_per_object():
    with pytest.raises(InputError, match=r"masks \(n, m, m\) of 1 objects, got an array of shape \(2, 28, 28\)"):
        segmented([(0, 0, 1, 1)], np.ones((2, 28, 28)))
