import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from foveate.core import InputError, MixedFrame, RegionGrid, join_regions, split_regions
from foveate.core.mixed import area_downsample, bilinear_matrix, bilinear_upsample

tiles = st.tuples(st.integers(0, 3), st.integers(1, 6), st.sampled_from([1, 2, 3, 4])).flatmap(
    lambda s: st.tuples(hnp.arrays(np.uint8, (s[0], s[1] * s[2], s[1] * s[2], 3)), st.just(s[2]))
)


def small_grid(height, width):
    """Regions of 8 pixels: 2 tokens of 2 x 2 pixels, downsampled by 2."""
    return RegionGrid(height=height, width=width, patch_size=2, window_size=2, downsampling_factor=2)


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


frames = st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(0, 9)).map(lambda s: noise(*s))


@given(frames)
def test_nothing_downsampled_comes_back_as_it_was(pixels):
    mixed = split_regions(pixels, small_grid(*pixels.shape[:2]))
    assert len(mixed.low) == 0
    assert np.array_equal(join_regions(mixed), pixels)


@given(frames, st.randoms(use_true_random=False))
def test_regions_that_keep_their_resolution_come_back_as_they_were(pixels, random):
    grid = small_grid(*pixels.shape[:2])
    mask = np.array([random.random() < 0.5 for _ in range(len(grid))]).reshape(grid.shape)
    joined = join_regions(split_regions(pixels, grid, mask))
    assert joined.shape == pixels.shape
    for row, column in np.argwhere(~mask).tolist():
        top, left, bottom, right = grid.box(row, column)
        assert np.array_equal(joined[top:bottom, left:right], pixels[top:bottom, left:right])


@given(frames)
def test_a_tile_depends_on_its_own_region_alone(pixels):
    grid = small_grid(*pixels.shape[:2])
    everywhere = np.ones(grid.shape, bool)
    whole = join_regions(split_regions(pixels, grid, everywhere))
    top, left, bottom, right = grid.box(0, 0)
    region = pixels[top:bottom, left:right].copy()
    alone = join_regions(split_regions(region, small_grid(*region.shape[:2]), np.ones((1, 1), bool)))
    assert np.array_equal(whole[top:bottom, left:right], alone)


@pytest.mark.parametrize("size", [(8, 8), (9, 23), (1, 1), (30, 7)])
def test_a_frame_of_one_colour_survives_downsampling_everywhere(size):
    pixels = np.full((*size, 3), (17, 200, 255), np.uint8)
    grid = small_grid(*size)
    assert np.array_equal(join_regions(split_regions(pixels, grid, np.ones(grid.shape, bool))), pixels)


def test_pixels_beyond_the_frame_repeat_the_last_row_and_column():
    pixels = noise(11, 10)
    mixed = split_regions(pixels, small_grid(11, 10))
    corner = mixed.full[3]
    assert np.array_equal(corner[:3, :2], pixels[8:, 8:])
    assert (corner[:3, 2:] == corner[:3, 1:2]).all()
    assert (corner[3:] == corner[2]).all()


def test_tiles_lie_in_raster_order():
    pixels = noise(16, 24)
    mask = np.array([[True, False, True], [False, True, False]])
    mixed = split_regions(pixels, small_grid(16, 24), mask)
    assert np.array_equal(mixed.full[1], pixels[8:, :8])
    assert np.array_equal(mixed.low[1], area_downsample(pixels[None, :8, 16:], 2)[0])


@given(frames, st.randoms(use_true_random=False))
def test_downsampled_tiles_are_means_of_the_region_made_up_by_its_edges(pixels, random):
    grid = small_grid(*pixels.shape[:2])
    mask = np.array([random.random() < 0.5 for _ in range(len(grid))]).reshape(grid.shape)
    mixed = split_regions(pixels, grid, mask)
    for tile, (row, column) in zip(mixed.low, np.argwhere(mask).tolist(), strict=True):
        top, left, bottom, right = grid.box(row, column)
        missing = ((0, 8 - bottom + top), (0, 8 - right + left), (0, 0))
        whole = np.pad(pixels[top:bottom, left:right], missing, mode="edge").astype(int)
        assert np.array_equal(tile, (whole.reshape(4, 2, 4, 2, 3).sum(axis=(1, 3)) + 2) // 4)


def test_a_frame_that_lies_upside_down_in_memory_is_cut_like_its_copy():
    pixels = noise(19, 21)[::-1]
    mask = np.arange(9).reshape(3, 3) % 2 == 0
    got, wanted = (split_regions(frame, small_grid(19, 21), mask) for frame in (pixels, pixels.copy()))
    assert np.array_equal(got.full, wanted.full)
    assert np.array_equal(got.low, wanted.low)


@pytest.mark.parametrize("factor", [15, 16, 17, 20])
def test_means_of_many_white_pixels_are_white(factor):
    assert (area_downsample(np.full((2, factor, 2 * factor, 3), 255, np.uint8), factor) == 255).all()


@given(tiles)
def test_area_downsampling_is_the_rounded_mean_of_each_square(drawn):
    full, factor = drawn
    got = area_downsample(full, factor)
    assert got.dtype == np.uint8
    for n, y, x, channel in np.ndindex(got.shape):
        square = full[n, y * factor : (y + 1) * factor, x * factor : (x + 1) * factor, channel].astype(int)
        assert got[n, y, x, channel] == (2 * square.sum() + factor**2) // (2 * factor**2)


def test_area_downsampling_by_two_is_that_of_opencv():
    pixels = noise(64, 64)
    theirs = cv2.resize(pixels, (32, 32), interpolation=cv2.INTER_AREA)
    assert np.array_equal(area_downsample(pixels[None], 2)[0], theirs)


@pytest.mark.parametrize("factor", [3, 4])
def test_area_downsampling_is_that_of_opencv_up_to_the_rounding_of_halves(factor):
    pixels = noise(factor * 20, factor * 20)
    theirs = cv2.resize(pixels, (20, 20), interpolation=cv2.INTER_AREA)
    assert np.abs(area_downsample(pixels[None], factor)[0].astype(int) - theirs).max() <= 1


@given(tiles)
def test_bilinear_upsampling_is_the_textbook_formula(drawn):
    small, factor = drawn
    size = small.shape[1]
    got = bilinear_upsample(small, factor)
    assert got.shape == (len(small), size * factor, size * factor, 3)
    matrix = np.zeros((size * factor, size))
    for out in range(size * factor):
        centre = min(max((out + 0.5) / factor - 0.5, 0), size - 1)
        below = int(centre)
        matrix[out, below] += 1 - (centre - below)
        matrix[out, min(below + 1, size - 1)] += centre - below
    exact = np.einsum("ai,bj,nijc->nabc", matrix, matrix, small.astype(float))
    assert np.abs(got - exact).max(initial=0) <= 0.5 + 1e-4


@pytest.mark.parametrize("factor", [2, 3])
def test_bilinear_upsampling_is_that_of_torch(factor):
    torch = pytest.importorskip("torch")
    small = noise(12, 12)[None]
    tensor = torch.from_numpy(small).permute(0, 3, 1, 2).float()
    theirs = torch.nn.functional.interpolate(tensor, scale_factor=factor, mode="bilinear", align_corners=False)
    difference = bilinear_upsample(small, factor) - theirs.permute(0, 2, 3, 1).numpy()
    assert np.abs(difference).max() <= 0.5 + 1e-4


@given(st.integers(1, 20), st.integers(1, 4))
def test_rows_of_the_interpolation_matrix_sum_to_one(size, factor):
    matrix = bilinear_matrix(size, factor)
    assert matrix.shape == (size * factor, size)
    assert (matrix >= 0).all()
    assert np.allclose(matrix.sum(axis=1), 1)


def test_a_frame_of_another_size_than_the_grid_is_refused():
    with pytest.raises(InputError, match=r"the grid is for 16 x 16, got a frame of \(8, 16\)"):
        split_regions(noise(8, 16), small_grid(16, 16))


@pytest.mark.parametrize(
    ("full", "low", "complaint"),
    [
        (np.zeros((2, 8, 8, 3), np.uint8), np.zeros((1, 4, 4, 3), np.uint8), r"full tiles .* \(3, 8, 8, 3\), got"),
        (np.zeros((3, 8, 8, 3), np.uint8), np.zeros((1, 8, 8, 3), np.uint8), r"low tiles .* \(1, 4, 4, 3\), got"),
        (np.zeros((3, 8, 8, 3), np.uint8), np.zeros((1, 4, 4, 3)), "low tiles must be uint8 .* got float64"),
    ],
)
def test_a_mixed_frame_refuses_tiles_that_its_mask_does_not_call_for(full, low, complaint):
    mask = np.array([[True, False], [False, False]])
    with pytest.raises(InputError, match=complaint):
        MixedFrame(grid=small_grid(16, 16), mask=mask, full=full, low=low)
