import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveate.core import InputError, RegionGrid

grids = st.builds(
    RegionGrid,
    height=st.integers(1, 400),
    width=st.integers(1, 400),
    patch_size=st.sampled_from([4, 16]),
    window_size=st.integers(1, 5),
    downsampling_factor=st.integers(1, 3),
)


def test_the_default_region_of_1080p_is_288_pixels_wide_and_the_last_row_is_clipped():
    grid = RegionGrid(height=1080, width=1920)
    assert (grid.region_size, grid.region_pixels) == (18, 288)
    assert (grid.shape, len(grid), grid.patches) == ((4, 7), 28, (68, 120))
    assert grid.box(0, 0) == (0, 0, 288, 288)
    assert grid.box(3, 6) == (864, 1728, 1080, 1920)


@given(grids)
def test_regions_cover_every_pixel_exactly_once(grid):
    covered = np.zeros((grid.height, grid.width), int)
    for row in range(grid.shape[0]):
        for column in range(grid.shape[1]):
            top, left, bottom, right = grid.box(row, column)
            assert top < bottom
            assert left < right
            covered[top:bottom, left:right] += 1
    assert (covered == 1).all()


@given(grids)
def test_patches_are_the_fewest_that_hold_the_frame(grid):
    rows, columns = grid.patches
    assert (rows - 1) * grid.patch_size < grid.height <= rows * grid.patch_size
    assert (columns - 1) * grid.patch_size < grid.width <= columns * grid.patch_size


@given(grids, st.data())
def test_tokens_are_patches_with_a_pixel_and_blocks_of_them_where_downsampled(grid, data):
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(grid), max_size=len(grid)))).reshape(grid.shape)
    rows, columns = grid.patches
    r, d = grid.region_size, grid.downsampling_factor
    seen = set()
    for row in range(rows):
        for column in range(columns):
            step = d if mask[row // r, column // r] else 1
            seen.add((row // r, column // r, row % r // step, column % r // step))
    assert grid.tokens(mask) == len(seen)
    assert grid.tokens() == rows * columns


@pytest.mark.parametrize("name", ["height", "width", "patch_size", "window_size", "downsampling_factor"])
@pytest.mark.parametrize("value", [0, -1, 2.5, "9", None])
def test_a_size_must_be_a_whole_number_of_at_least_one(name, value):
    with pytest.raises(InputError, match=f"{name} must be a whole number of at least 1, got {value!r}"):
        RegionGrid(**{"height": 10, "width": 10, name: value})


def test_no_mask_means_nothing_is_downsampled():
    mask = RegionGrid(height=600, width=300).check_mask(None)
    assert (mask.dtype, mask.shape, mask.any()) == (np.bool_, (3, 2), np.False_)


@pytest.mark.parametrize(
    ("mask", "got"),
    [
        (np.zeros((2, 3), bool), "bool of shape (2, 3)"),
        (np.zeros((3, 2), np.uint8), "uint8 of shape (3, 2)"),
        ([[0, 1]], "int64 of shape (1, 2)"),
        (np.bool_(True), "bool of shape ()"),
    ],
)
def test_a_mask_of_another_shape_or_type_is_refused_with_both_named(mask, got):
    with pytest.raises(InputError) as error:
        RegionGrid(height=600, width=300).check_mask(mask)
    assert str(error.value) == (f"the downsampling mask of a 600 x 300 frame must be bool of shape (3, 2), got {got}")


def naive_overlapping(grid, boxes):
    touched = np.zeros(grid.shape, bool)
    for row, column in np.ndindex(grid.shape):
        top, left, bottom, right = grid.box(row, column)
        touched[row, column] = any(
            x1 < right and x2 > left and y1 < bottom and y2 > top and x1 < x2 and y1 < y2 for x1, y1, x2, y2 in boxes
        )
    return touched


coordinates = st.one_of(st.integers(-100, 500), st.floats(-100, 500, width=32))


@given(grids, st.lists(st.tuples(coordinates, coordinates, coordinates, coordinates), max_size=5))
def test_a_region_overlaps_a_box_if_they_share_area_inside_the_frame(grid, boxes):
    got = grid.overlapping(np.array(boxes, np.float32).reshape(-1, 4))
    assert np.array_equal(got, naive_overlapping(grid, np.array(boxes, np.float32).reshape(-1, 4)))


def test_equal_grids_are_one_key():
    assert len({RegionGrid(height=9, width=8), RegionGrid(height=9, width=8), RegionGrid(height=8, width=9)}) == 2


def test_a_box_without_numbers_covers_no_region():
    grid = RegionGrid(height=100, width=100, window_size=1)
    wrong = [[np.nan] * 4, [10, 10, np.nan, 20], [np.nan, 0, 50, 50], [50, 50, 10, 10]]
    assert not grid.overlapping(np.array(wrong, np.float32)).any()
    assert grid.overlapping(np.array([[-np.inf, -np.inf, np.inf, np.inf]], np.float32)).all()
