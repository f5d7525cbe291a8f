"""Shelves: cells inside the picture, on the block lattice, apart from each other."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from foveate.codec.layout import BLOCK, padded, shelf_layout

sizes = st.lists(st.tuples(st.integers(1, 70), st.integers(1, 70)), max_size=12).map(tuple)


@given(sizes)
def test_cells_lie_apart_on_the_block_lattice_inside_the_picture(tiles):
    layout = shelf_layout(tiles)
    taken = np.zeros(layout.size, int)
    for (top, left), (height, width) in zip(layout.corners, layout.tiles, strict=True):
        assert top % BLOCK == left % BLOCK == 0
        cell = taken[top : top + padded(height), left : left + padded(width)]
        assert cell.shape == (padded(height), padded(width))
        cell += 1
    assert taken.max(initial=0) <= 1
    assert layout.tiles == tiles


@given(st.integers(1, 60))
def test_equal_tiles_waste_little_and_stay_near_square(count):
    height, width = shelf_layout(((288, 288),) * count).size
    assert height * width <= 1.1 * count * 288 * 288
    assert max(height, width) <= 13 * min(height, width)


def test_clipped_tiles_take_the_room_of_their_blocks_only():
    # All regions of a 1080p frame: 6 x 3 whole ones, a column of 192, a row of 216 and their corner.
    tiles = tuple((h, w) for h in (288, 288, 288, 216) for w in (288,) * 6 + (192,))
    height, width = shelf_layout(tiles).size
    assert height * width < 1.1 * 1080 * 1920
