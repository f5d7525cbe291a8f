"""Mosaics before compression against core.split_regions, the reference."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveate.codec.mosaic import (
    downsample,
    frame_layout,
    full_layout,
    full_mosaic,
    joint_layouts,
    joint_mosaic,
    low_layout,
    low_mosaic,
    unpack,
)
from foveate.core import MixedFrame, RegionGrid, join_regions, split_regions
from foveate.core.mixed import area_downsample


@st.composite
def frames(draw):
    grid = RegionGrid(
        height=draw(st.integers(1, 90)),
        width=draw(st.integers(1, 90)),
        patch_size=draw(st.sampled_from((4, 7, 8, 16))),
        window_size=draw(st.integers(1, 2)),
        downsampling_factor=draw(st.integers(1, 4)),
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    pixels = rng.integers(0, 256, (grid.height, grid.width, 3), dtype=np.uint8)
    return pixels, grid, rng.random(grid.shape) < draw(st.sampled_from((0, 0.5, 1)))


@given(frames())
@settings(deadline=None)
def test_full_tiles_survive_packing_exactly(frame):
    pixels, grid, mask = frame
    tiles = unpack(full_mosaic(pixels, grid, mask), full_layout(grid, mask), grid.region_pixels)
    assert np.array_equal(tiles, split_regions(pixels, grid, mask).full)


@given(frames())
@settings(deadline=None)
def test_low_tiles_equal_the_reference_wherever_the_frame_is(frame):
    pixels, grid, mask = frame
    layout = low_layout(grid, mask)
    tiles = unpack(low_mosaic(pixels, grid, mask), layout, grid.region_pixels // grid.downsampling_factor)
    reference = split_regions(pixels, grid, mask).low
    for ours, theirs, (height, width) in zip(tiles, reference, layout.tiles, strict=True):
        assert np.array_equal(ours[:height, :width], theirs[:height, :width])
        assert np.array_equal(ours[height:], np.broadcast_to(ours[height - 1], ours[height:].shape))
        assert (ours[:, width:] == ours[:, width - 1 : width]).all()


def test_low_tiles_filled_after_averaging_change_the_last_row_and_column_alone():
    grid = RegionGrid(height=70, width=100, window_size=2)
    pixels = np.random.default_rng(5).integers(0, 256, (70, 100, 3), dtype=np.uint8)
    mask = np.ones(grid.shape, np.bool_)
    low = unpack(low_mosaic(pixels, grid, mask), low_layout(grid, mask), grid.region_pixels // 2)
    reference = split_regions(pixels, grid, mask)
    sent = MixedFrame(grid=grid, mask=mask, full=reference.full, low=low)
    differs = join_regions(sent) != join_regions(reference)
    assert not differs[:-1, :-1].any()
    assert differs[-1].any()
    assert differs[:, -1].any()


@given(frames())
@settings(deadline=None)
def test_tiles_of_both_resolutions_survive_in_one_picture_as_they_do_in_two(frame):
    pixels, grid, mask = frame
    side, small = grid.region_pixels, grid.region_pixels // grid.downsampling_factor
    full, low = joint_layouts(grid, mask)
    mosaic = joint_mosaic(pixels, grid, mask)
    assert full.size == low.size == mosaic.shape[:2]
    assert np.array_equal(
        unpack(mosaic, full, side), unpack(full_mosaic(pixels, grid, mask), full_layout(grid, mask), side)
    )
    assert np.array_equal(
        unpack(mosaic, low, small), unpack(low_mosaic(pixels, grid, mask), low_layout(grid, mask), small)
    )


@given(frames())
@settings(deadline=None)
def test_a_whole_frame_unpacks_into_all_regions(frame):
    pixels, grid, _ = frame
    tiles = unpack(pixels, frame_layout(grid), grid.region_pixels)
    assert np.array_equal(tiles, split_regions(pixels, grid).full)


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_downsampling_equals_the_reference_on_every_sum_of_a_block(factor):
    rng = np.random.default_rng(factor)
    tile = rng.integers(0, 4, (48 * factor, 48 * factor, 3), dtype=np.uint8)  # small values: many ties
    wanted = area_downsample(tile[None], factor)[0]
    found = np.zeros((wanted.shape[0] + 3, wanted.shape[1] + 5, 3), np.uint8)[2:-1, 1:-4]  # part of a larger picture
    downsample(tile, factor, found)
    assert np.array_equal(found, wanted)


def test_padding_repeats_the_border_up_to_the_next_block():
    grid = RegionGrid(height=20, width=40, patch_size=16, window_size=1)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 40, 3), dtype=np.uint8)
    mosaic = full_mosaic(pixels, grid, np.array([[True, False]]))
    assert mosaic.shape == (32, 16, 3)
    assert np.array_equal(mosaic[:20, :8], pixels[:, 32:])
    assert (mosaic[:20, 8:] == pixels[:, -1:]).all()
    assert (mosaic[20:] == mosaic[19]).all()


def test_a_picture_drawn_where_another_was_is_the_same_as_on_fresh_memory():
    grid = RegionGrid(height=70, width=100, window_size=2)
    pixels = np.random.default_rng(3).integers(0, 255, (70, 100, 3), np.uint8)
    mask = np.array([[True, False], [False, True]])
    for draw, layout in ((full_mosaic, full_layout), (low_mosaic, low_layout)):
        used = np.full((*layout(grid, mask).size, 3), 77, np.uint8)
        assert np.array_equal(draw(pixels, grid, mask, used), draw(pixels, grid, mask))
