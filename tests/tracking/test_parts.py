"""Flow, points and box motion on their own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from foveate.core import InputError
from foveate.tracking import FlowSettings, reduce
from foveate.tracking.box_motion import masked_median, move_boxes
from foveate.tracking.flow import follow
from foveate.tracking.points import COLUMNS, POINTS, ROWS, seed

LATTICE = np.stack(np.meshgrid(np.linspace(4, 36, COLUMNS), np.linspace(4, 56, ROWS)), axis=-1).reshape(-1, 2)
ALL = np.ones((1, POINTS), bool)


def test_points_are_followed_to_a_tenth_of_a_pixel(view):
    before, after = reduce(view(0, 0)).tracking, reduce(view(-12, 8)).tracking
    points = seed(before, np.array([100.0, 80.0, 500.0, 300.0]))
    moved, trusted = follow(before, after, points, FlowSettings())
    assert trusted.all()
    assert np.abs(moved - points - [6, -4]).max() < 0.1


def test_fast_points_need_the_pyramid(view):
    before, after = reduce(view(0, 0)).tracking, reduce(view(-56, 0)).tracking
    points = seed(before, np.array([100.0, 80.0, 500.0, 300.0]))
    arrived = {
        levels: np.abs(follow(before, after, points, FlowSettings(levels=levels))[0] - points - [28, 0]).max(axis=1) < 1
        for levels in (0, 3)
    }
    assert arrived[3].mean() > 0.8
    assert arrived[0].mean() < 0.2


def test_points_that_leave_or_meet_other_pixels_are_not_trusted(view):
    before, after = reduce(view(0, 0)).tracking, reduce(view(-12, 0)).tracking.copy()
    after[150:250, 250:350] = np.random.default_rng(5).integers(0, 256, (100, 100))
    points = np.array([[638, 100], [300, 200], [100, 100]], np.float32)
    assert follow(before, after, points, FlowSettings())[1].tolist() == [False, False, True]


def test_no_points_are_followed_to_no_points(view):
    grey = reduce(view()).tracking
    moved, trusted = follow(grey, grey, np.zeros((0, 2), np.float32), FlowSettings())
    assert moved.shape == (0, 2)
    assert trusted.shape == (0,)


@pytest.mark.parametrize("bad", [{"window": 2}, {"levels": -1}, {"iterations": 0}, {"round_trip_pixels": 0.0}])
def test_flow_settings_out_of_range_are_refused(bad):
    with pytest.raises(InputError, match="window must be at least 3"):
        FlowSettings(**bad)


def test_every_cell_of_a_box_has_one_point(view):
    grey = reduce(view()).tracking
    points = seed(grey, np.array([60.0, 40.0, 120.0, 120.0]))
    cells = np.floor((points - [60, 40]) / [20, 20]).astype(int)
    assert points.dtype == np.float32
    assert cells.tolist() == [[c, r] for r in range(ROWS) for c in range(COLUMNS)]


def test_points_prefer_corners_to_plain_and_edges():
    grey = np.full((80, 60), 100, np.uint8)
    grey[7:20, :] = 180  # an edge through the first row of cells
    grey[10:20, 7:20] = 20  # and one corner of a dark square in the first cell
    x, y = seed(grey, np.array([0.0, 0.0, 60.0, 80.0]))[0]
    assert abs(x - 7) <= 2
    assert abs(y - 10) <= 2


def test_a_tiny_box_gets_the_centres_of_its_cells_and_one_beyond_the_frame_is_cut(view):
    grey = reduce(view()).tracking
    assert np.allclose(seed(grey, np.array([10.0, 10.0, 11.5, 12.0]))[0], [9.75, 9.75])
    points = seed(grey, np.array([600.0, -50.0, 700.0, 40.0]))
    assert points.min() >= 0
    assert points[:, 0].max() < 640


def test_boxes_shift_by_the_median_of_their_points():
    shift = np.tile([3.0, -2.0], (1, POINTS, 1))
    shift[0, :4] = [[90, 90], [-70, 5], [40, -80], [9, 9]]  # four of twelve are wrong
    boxes = move_boxes(np.array([[0.0, 0, 40, 60]]), LATTICE[None], LATTICE[None] + shift, ALL)
    centre = (boxes[0, :2] + boxes[0, 2:]) / 2
    assert np.abs(centre - [23, 28]).max() < 0.5


def test_large_boxes_grow_about_their_centre_with_their_points():
    box, points = np.array([[0.0, 0, 400, 600]]), 10 * LATTICE[None]
    after = 1.1 * (points + 0.5 - [200, 300]) + [200, 300] - 0.5 + [7, 9]
    grown = move_boxes(box, points, after, ALL)[0]
    trust = 500 / 530
    half = np.array([200, 300]) * (1 + 0.1 * trust)
    assert grown == pytest.approx([207 - half[0], 309 - half[1], 207 + half[0], 309 + half[1]], abs=0.2)


def test_a_box_without_trusted_points_stays_and_one_with_a_single_point_keeps_its_size():
    box = np.array([[5.0, 5, 45, 65]])
    after = LATTICE[None] * 2 + 10
    assert move_boxes(box, LATTICE[None], after, ~ALL).tolist() == box.tolist()
    one = np.zeros_like(ALL)
    one[0, 3] = True
    moved = move_boxes(box, LATTICE[None], after, one)
    assert moved - box == pytest.approx(np.tile((after[0] - LATTICE)[3], 2)[None])


@given(arrays(np.float64, (5, 7), elements=st.floats(-100, 100)), arrays(np.bool_, (5, 7)))
def test_the_masked_median_is_the_median_of_what_the_mask_shows(values, mask):
    expected = [np.median(row[shown]) if shown.any() else 0 for row, shown in zip(values, mask, strict=True)]
    assert masked_median(values, mask) == pytest.approx(expected)
