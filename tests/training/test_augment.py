import numpy as np
import pytest

from foveate.core import InputError
from foveate.training import AugmentConfig, Augmenter, ColourConfig, Sample
from foveate.training.augment import flip, join_four, resample
from foveate.training.colour import recolour

from .conftest import draw

WEIGHTS = np.ones(2)


def painted_extent(pixels: np.ndarray, box: np.ndarray, label: int) -> np.ndarray:
    """Bounds of what has the colour of class `label` within 3 pixels of `box`."""
    x1, y1, x2, y2 = box.round().astype(int) + np.array([-3, -3, 3, 3])
    x1, y1 = max(x1, 0), max(y1, 0)
    part = pixels[y1:y2, x1:x2].astype(int)
    ys, xs = np.nonzero(part[..., 0] - part[..., 2] > 105 if label == 0 else part[..., 2] - part[..., 0] > 105)
    return np.array([xs.min() + x1, ys.min() + y1, xs.max() + 1 + x1, ys.max() + 1 + y1])


def assert_tight(sample: Sample) -> None:
    for box, label in zip(sample.boxes[~sample.ignored], sample.labels[~sample.ignored], strict=True):
        np.testing.assert_allclose(painted_extent(sample.pixels, box, int(label)), box, atol=1.6)


@pytest.mark.parametrize("seed", range(8))
def test_boxes_stay_tight_through_crop_and_flip(seed: int) -> None:
    rng = np.random.default_rng(seed)
    augment = Augmenter(AugmentConfig(scales=(0.6, 2.0), stretch=1.4), WEIGHTS)
    sample = augment.crop(draw(rng), (96, 128), rng)
    assert sample.size == (96, 128)
    assert_tight(sample)
    assert_tight(flip(sample))


@pytest.mark.parametrize("seed", range(4))
def test_boxes_stay_tight_when_four_pictures_are_joined(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = [(h, w) for h in (120, 90) for w in (160, 130)]
    joined = join_four([draw(rng, h, w) for h, w in sizes])
    assert joined.size == (210, 290)
    assert len(joined.boxes) == 12
    assert_tight(joined)


def test_a_mosaic_has_the_size_that_was_asked_for() -> None:
    rng = np.random.default_rng(0)
    mosaic = Augmenter(AugmentConfig(), WEIGHTS).mosaic([draw(rng)], (96, 160), rng)
    assert mosaic.size == (96, 160)
    assert len(mosaic.boxes)


def test_a_crop_around_an_object_holds_it() -> None:
    rng = np.random.default_rng(0)
    augment = Augmenter(AugmentConfig(object_share=1.0), WEIGHTS)
    for _ in range(30):
        sample = augment.crop(draw(rng, objects=1), (96, 96), rng)
        assert len(sample.boxes) == 1
        assert not sample.ignored.any()


def test_what_is_cut_off_or_too_small_becomes_an_ignore_region() -> None:
    source = Sample(
        pixels=np.zeros((100, 100, 3), np.uint8),
        boxes=np.array([[-10, 0, 50, 40], [45, 0, 85, 40], [0, 60, 5, 65], [60, 60, 90, 90]], np.float32),
        labels=np.arange(4) % 2,
        ignored=np.zeros(4, np.bool_),
    )
    cropped = resample(source, (0, 0), (100, 50), (100, 50), AugmentConfig())
    assert cropped.boxes.tolist() == [[0, 0, 50, 40], [45, 0, 50, 40], [0, 60, 5, 65]]
    assert cropped.ignored.tolist() == [False, True, True]


def test_flipping_twice_changes_nothing() -> None:
    sample = draw(np.random.default_rng(1))
    again = flip(flip(sample))
    assert np.array_equal(again.pixels, sample.pixels)
    assert np.array_equal(again.boxes, sample.boxes)


def test_every_change_of_colour_keeps_size_and_type() -> None:
    rng = np.random.default_rng(2)
    everything = ColourConfig(grey_share=1, blur_share=1, noise_share=1, jpeg_share=1)
    changed = recolour(draw(rng).pixels, everything, rng)
    assert (changed.shape, changed.dtype) == ((120, 160, 3), np.uint8)


def test_an_empty_range_of_scales_is_refused() -> None:
    with pytest.raises(InputError, match="range of positive numbers"):
        AugmentConfig(scales=(2.0, 1.0))


@pytest.mark.parametrize("seed", range(20))
def test_boxes_of_odd_pictures_and_objects_stay_in_the_crop(seed: int) -> None:
    rng = np.random.default_rng(seed)

    def odd() -> Sample:
        """A picture of any shape, with boxes beyond it, over it and without an area."""
        height, width = (int(side) for side in np.exp(rng.uniform(0, 6.5, 2)))
        corners = np.sort(rng.uniform(-1.5, 2.5, (4, 2, 2)) * [width, height], axis=1).reshape(-1, 4)
        corners[0, 2:] = corners[0, :2]
        return Sample(
            pixels=rng.integers(0, 255, (height, width, 3), dtype=np.uint8),
            boxes=corners.astype(np.float32),
            labels=rng.integers(0, 2, 4),
            ignored=rng.random(4) < 0.2,
        )

    config = AugmentConfig(scales=(0.05, 20.0), stretch=3.0, mosaic_share=0.5)
    for _ in range(10):
        sample = Augmenter(config, WEIGHTS)([odd() for _ in range(3)], (64, 96), rng)
        assert sample.pixels.shape == (64, 96, 3)
        assert (sample.boxes[:, 2:] > sample.boxes[:, :2]).all()
        assert (sample.boxes >= 0).all()
        assert (sample.boxes <= np.array([96, 64, 96, 64]) + 1e-3).all()
