"""Frames with what was seen in them."""

import numpy as np
import pytest

from foveate.core import Detections, RegionGrid
from foveate.device.drawing import draw

PLAIN = np.full((60, 80, 3), 90, np.uint8)


def one(*box):
    return Detections(boxes=np.array([box]), scores=[0.5], class_id=[0], class_names=("car",))


def test_a_copy_is_drawn_on():
    picture = draw(PLAIN, one(10, 20, 50, 55), status="frame 1")
    assert (PLAIN == 90).all()
    assert (picture[20:56, 10] != 90).any(axis=1).all()
    assert (picture[-1] < 90).any()


@pytest.mark.parametrize("far", [1e3, 1e9, 3e9, 1e30])
def test_a_box_of_any_size_is_drawn_as_far_as_it_can_be_seen(far):
    assert np.array_equal(draw(PLAIN, one(-far, 30, far, 2 * far)), draw(PLAIN, one(-80, 30, 160, 140)))
    assert np.array_equal(draw(PLAIN, one(far, far, 2 * far, 2 * far)), draw(PLAIN, one(160, 140, 160, 140)))


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (300, 2)])
def test_the_smallest_frames_can_be_drawn_on(size):
    grid = RegionGrid(height=size[0], width=size[1])
    picture = draw(np.zeros((*size, 3), np.uint8), one(0, 0, 1, 1), grid=grid, mask=np.ones(grid.shape, np.bool_))
    assert picture.shape == (*size, 3)
