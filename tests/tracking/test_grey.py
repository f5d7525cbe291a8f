import numpy as np
import pytest

from foveate.core import InputError, RegionGrid
from foveate.tracking import GreyPair, MotionAnalyser, Tracker, motion_size, reduce, tracking_size


@pytest.mark.parametrize(
    ("size", "tracking", "motion"),
    [
        ((1080, 1920), (540, 960), (270, 480)),
        ((1088, 1920), (544, 960), (272, 480)),
        ((1920, 1080), (960, 540), (480, 270)),
        ((2160, 3840), (540, 960), (270, 480)),
        ((720, 1280), (360, 640), (180, 320)),
        ((480, 854), (480, 854), (240, 427)),
        ((1079, 1919), (540, 960), (270, 480)),
        ((1, 1), (1, 1), (1, 1)),
    ],
)
def test_frames_are_reduced_by_whole_factors_until_the_shorter_side_is_small(size, tracking, motion):
    assert (tracking_size(size), motion_size(size)) == (tracking, motion)
    pair = reduce(np.zeros((*size, 3), np.uint8))
    assert (pair.size, pair.tracking.shape, pair.motion.shape) == (size, tracking, motion)
    assert pair.scale == (size[0] / tracking[0], size[1] / tracking[1])


def test_a_reduced_pixel_is_the_mean_of_the_grey_pixels_it_covers():
    pixels = np.random.default_rng(1).integers(0, 256, (720, 1280, 3), np.uint8)
    grey = pixels @ np.array([0.299, 0.587, 0.114])
    pair = reduce(pixels)
    mean = grey.reshape(360, 2, 640, 2).mean(axis=(1, 3))
    assert np.abs(pair.tracking - mean).max() <= 1.01
    assert np.abs(pair.motion - mean.reshape(180, 2, 320, 2).mean(axis=(1, 3))).max() <= 1.51


def test_equal_frames_give_equal_pairs():
    pixels = np.random.default_rng(1).integers(0, 256, (1079, 1919, 3), np.uint8)
    a, b = reduce(pixels), reduce(pixels.copy())
    assert np.array_equal(a.tracking, b.tracking)
    assert np.array_equal(a.motion, b.motion)


def test_motion_and_tracker_take_rows_of_memory_mapped_stacks(tmp_path, view, found):
    pairs = [reduce(view(-6 * k, 0)) for k in range(4)]
    for name in ("tracking", "motion"):
        np.save(tmp_path / f"{name}.npy", np.stack([getattr(pair, name) for pair in pairs]))
    stacks = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("tracking", "motion")]
    mapped = [GreyPair(size=(720, 1280), tracking=t, motion=m) for t, m in zip(*stacks, strict=True)]
    results = []
    for frames in (pairs, mapped):
        tracker, analyser = Tracker(), MotionAnalyser(RegionGrid(height=720, width=1280))
        tracker.restart(found((500, 200, 700, 500)), frames[0])
        tracker.catch_up(frames[1:])
        results.append((tracker.detections(), [analyser.update(grey).region_motion.tolist() for grey in frames]))
    assert results[0] == results[1]


@pytest.mark.parametrize("pixels", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), None])
def test_anything_but_rgb_is_refused(pixels):
    with pytest.raises(InputError, match="a frame must be"):
        reduce(pixels)


def test_a_pair_of_other_sizes_is_refused_with_both_named():
    small = np.zeros((360, 640), np.uint8)
    with pytest.raises(
        InputError, match=r"the motion frame of \(720, 1280\) must be uint8 \(180, 320\), got uint8 \(3"
    ):
        GreyPair(size=(720, 1280), tracking=small, motion=small)
    with pytest.raises(InputError, match=r"the tracking frame .* got float64 \(360, 640\)"):
        GreyPair(size=(720, 1280), tracking=small.astype(float), motion=small[::2, ::2])
    with pytest.raises(InputError, match=r"the tracking frame .* got list"):
        GreyPair(size=(720, 1280), tracking=[1], motion=small[::2, ::2])
    with pytest.raises(InputError, match=r"at least one row and one column, got \(0, 5\)"):
        tracking_size((0, 5))
