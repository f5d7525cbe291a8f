"""How fine regions are, against pictures whose steps are known."""

import numpy as np

from foveate.core import RegionGrid
from foveate.tracking import reduce, region_detail

GRID = RegionGrid(height=128, width=192, window_size=2)
"""2 x 3 regions of 64 pixels; the tracker's frame is the frame."""


def grey(values):
    return reduce(np.repeat(np.asarray(values, np.uint8)[..., None], 3, axis=2))


def test_a_flat_picture_has_none():
    assert not region_detail(grey(np.full((128, 192), 90)), GRID).any()


def test_every_step_counts_in_the_region_of_its_left_or_upper_pixel():
    picture = np.full((128, 192), 100)
    picture[:, 64:] = 110  # between the first and the second column of regions
    expected = np.zeros((2, 3))
    expected[:, 0] = 10 * 64 / 64**2
    assert np.allclose(region_detail(grey(picture), GRID), expected)


def test_it_is_the_plain_sum_of_steps():
    picture = np.random.default_rng(0).integers(0, 256, (128, 192))
    tall = grey(picture).tracking.astype(int)
    steps = np.zeros((128, 192))
    steps[:, :-1] += np.abs(np.diff(tall, axis=1))
    steps[:-1] += np.abs(np.diff(tall, axis=0))
    by_loop = steps.reshape(2, 64, 3, 64).mean(axis=(1, 3))
    assert np.allclose(region_detail(grey(picture), GRID), by_loop)


def test_clipped_regions_and_reduced_frames_have_one_number_each():
    grid = RegionGrid(height=1080, width=1920)
    noise = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3)).astype(np.uint8)
    detail = region_detail(reduce(noise), grid)
    assert detail.shape == grid.shape
    assert detail.std() < 0.05 * detail.mean()
