"""Frames on their way into a network: masks and pixels."""

import numpy as np
import pytest
import torch

from foveate.core import InputError, RegionGrid, split_regions
from foveate.models.families.images import Preprocessing, frame_grid, input_mask, read_preprocessing
from foveate.models.families.sizing import FixedSize, LongestEdge

SETTINGS = {"size": {"height": 28, "width": 42}, "image_mean": [0.5] * 3, "image_std": [0.25] * 3}


def naive_mask(mask: np.ndarray, frame: RegionGrid, grid: RegionGrid, size: tuple[int, int]) -> np.ndarray:
    """Pixel by pixel: a region is coarse if all its pixels come from downsampled regions of the frame."""
    result = np.ones(grid.shape, bool)
    for y in range(grid.height):
        for x in range(grid.width):
            top, bottom = min(y, size[0] - 1), min(y, size[0] - 1) + 1
            left, right = min(x, size[1] - 1), min(x, size[1] - 1) + 1
            rows = [top * frame.height / size[0], bottom * frame.height / size[0] - 1e-6]
            columns = [left * frame.width / size[1], right * frame.width / size[1] - 1e-6]
            side = frame.region_pixels
            seen = mask[
                int(rows[0] // side) : int(rows[1] // side) + 1, int(columns[0] // side) : int(columns[1] // side) + 1
            ]
            result[y // grid.region_pixels, x // grid.region_pixels] &= seen.all()
    return result


@pytest.mark.parametrize("frame_size", [(300, 500), (720, 400), (64, 64)])
@pytest.mark.parametrize("size", [(56, 84), (61, 47), (112, 112)])
@pytest.mark.parametrize("canvas", [False, True])
def test_a_region_is_coarse_where_all_of_the_frame_under_it_is(frame_size, size, canvas):
    frame = frame_grid(*frame_size, downsampling_factor=2)
    rng = np.random.default_rng(0)
    pixels = np.zeros((*frame_size, 3), np.uint8)
    whole = (112, 112) if canvas else size
    grid = RegionGrid(height=whole[0], width=whole[1], patch_size=7, window_size=1)
    for share in (0.0, 0.3, 0.7, 1.0):
        mask = rng.random(frame.shape) < share
        got = input_mask(split_regions(pixels, frame, mask), grid, size)
        assert np.array_equal(got, naive_mask(mask, frame, grid, size))


@pytest.mark.parametrize(("number", "antialias"), [(2, True), (3, True)])
@pytest.mark.parametrize("size", [(150, 90), (400, 700), (300, 500)])
def test_pictures_are_resized_as_pillow_does(number, antialias, size):
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    pixels = np.array(image.fromarray(rng.integers(0, 255, (30, 50, 3), np.uint8)).resize((500, 300), 2))
    settings = SETTINGS | {"size": {"height": size[0], "width": size[1]}, "resample": number}
    got = read_preprocessing(settings, antialias=antialias)(pixels)
    expected = np.asarray(image.fromarray(pixels).resize(size[::-1], number)).astype(np.float32) / 255
    difference = np.abs(got.permute(1, 2, 0).numpy() - (expected - 0.5) / 0.25)
    assert difference.max() <= 2 / 255 / 0.25 + 1e-6  # two levels, at few pixels
    assert (difference > 1e-5).mean() < 0.02


def test_without_antialias_pixels_are_interpolated_and_not_rounded():
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    rule = Preprocessing(sizing=FixedSize(height=1, width=1), mean=(0, 0, 0), std=(1, 1, 1), antialias=False)
    assert torch.allclose(rule(pixels)[:, 0, 0] * 255, torch.tensor([4.5, 5.5, 6.5]))


def test_a_canvas_adds_zeros_below_and_at_the_right_after_normalisation():
    rule = Preprocessing(sizing=LongestEdge(longest=8), mean=(0.5,) * 3, std=(0.5,) * 3, canvas=(8, 8))
    normal = rule(np.full((5, 10, 3), 255, np.uint8))
    assert (normal[:, :4] == 1).all()
    assert (normal[:, 4:] == 0).all()
    too_large = Preprocessing(sizing=FixedSize(height=9, width=9), mean=(0,) * 3, std=(1,) * 3, canvas=(8, 8))
    with pytest.raises(InputError, match=r"must fit into 8 x 8, got \(9, 9\)"):
        too_large(np.zeros((5, 10, 3), np.uint8))


def test_a_preprocessor_that_does_not_normalise_gives_0_to_1():
    rule = read_preprocessing({"size": {"height": 4, "width": 4}, "do_normalize": False})
    assert (rule(np.full((4, 4, 3), 255, np.uint8)) == 1).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"do_rescale": False}, "rescaled by 1/255"),
        ({"rescale_factor": 1 / 127.5}, "rescaled by 1/255"),
        ({"resample": 1}, r"resample must be one of \[0, 2, 3\], got 1"),
        ({"image_mean": [0.5]}, r"image_mean must be three numbers, got \[0.5\]"),
        ({"image_std": None}, "image_std must be three numbers, got None"),
        ({"image_std": [1, 0, 1]}, r"image_std must be above 0, got \(1.0, 0.0, 1.0\)"),
        ({"size": {"height": 0, "width": 8}}, "size must be at least 1 pixel"),
        ({"size": -5}, "size must be at least 1 pixel"),
    ],
)
def test_settings_that_are_not_known_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        read_preprocessing(SETTINGS | change)
