import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveate.core import InputError, RegionGrid
from foveate.tracking import GreyPair, MotionAnalyser, motion_size, tracking_size
from foveate.tracking.motion import region_edges, region_shares

SIZE = (720, 1280)
LEARNING = 12  # frames


def pair(motion, size=SIZE):
    return GreyPair(size=size, tracking=np.zeros(tracking_size(size), np.uint8), motion=motion)


def plain(value=120, size=SIZE):
    return np.full(motion_size(size), value, np.uint8)


def after_learning(*frames, size=SIZE):
    """Motion of each frame, all after a plain background."""
    analyser = MotionAnalyser(RegionGrid(height=size[0], width=size[1]))
    for _ in range(LEARNING):
        analyser.update(pair(plain(size=size), size))
    return [analyser.update(pair(frame, size)) for frame in frames]


def with_square(top, left, side, value=250):
    frame = plain()
    frame[top : top + side, left : left + side] = value
    return frame


def test_a_moving_square_is_shared_among_the_regions_that_it_covers():
    # Regions are 288 pixels, so 72 of the motion frame: this square lies on four of them, 8:12 each way.
    motion = after_learning(with_square(64, 60, 20))[0]
    assert motion.region_motion.dtype == np.float32
    assert motion.region_motion.shape == RegionGrid(height=720, width=1280).shape
    expected = np.zeros((3, 5))
    expected[:2, :2] = np.outer([8, 12], [12, 8]) / 400
    assert motion.region_motion == pytest.approx(expected)
    assert motion.frame_motion == 400 / (180 * 320)


def test_shares_of_two_squares_add_up_to_one():
    frame = np.maximum(with_square(10, 10, 8), with_square(150, 300, 16))
    motion = after_learning(frame)[0]
    assert motion.region_motion[0, 0] == pytest.approx(64 / 320)
    assert motion.region_motion[2, 4] == pytest.approx(256 / 320)
    assert motion.region_motion.sum() == pytest.approx(1)


def test_without_foreground_all_shares_are_zero():
    motion = after_learning(plain())[0]
    assert not motion.region_motion.any()
    assert motion.frame_motion == 0


def test_shadows_are_not_foreground():
    assert after_learning(with_square(64, 60, 20, value=80))[0].frame_motion == 0  # two thirds as bright
    assert after_learning(with_square(64, 60, 20, value=30))[0].frame_motion > 0  # no shadow is that dark


def test_the_first_frame_has_no_foreground():
    analyser = MotionAnalyser(RegionGrid(height=720, width=1280), history=1)
    assert analyser.update(pair(with_square(0, 0, 50))).frame_motion == 0


def test_what_stays_becomes_background():
    analyser = MotionAnalyser(RegionGrid(height=720, width=1280), history=20)
    for _ in range(LEARNING):
        analyser.update(pair(plain()))
    motions = [analyser.update(pair(with_square(64, 60, 20))).frame_motion for _ in range(60)]
    assert motions[0] > 0
    assert motions[-1] == 0


def test_the_same_frames_give_the_same_motion():
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, motion_size(SIZE), np.uint8) for _ in range(8)]
    for a, b in zip(after_learning(*frames), after_learning(*frames), strict=True):
        assert np.array_equal(a.region_motion, b.region_motion)
        assert a.frame_motion == b.frame_motion


@pytest.mark.parametrize(
    "size", [(720, 1280), (1080, 1920), (1920, 1080), (1079, 1919), (577, 1001), (97, 301), (1, 1)]
)
def test_each_reduced_pixel_belongs_to_the_region_that_holds_its_centre(size):
    for length, reduced in zip(size, motion_size(size), strict=True):
        edges = region_edges(length, reduced, 288)
        centres = (np.arange(reduced) + 0.5) * length / reduced
        owners = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
        assert owners.tolist() == (centres // 288).astype(int).tolist()
        assert len(edges) - 1 == -(-length // 288)


@given(st.integers(1, 700), st.integers(1, 400), st.integers(1, 99))
def test_region_edges_hold_for_any_lengths(length, reduced, side):
    reduced = min(reduced, length)
    edges = region_edges(length, reduced, side)
    for k in range(len(edges) - 1):
        mine = [
            p for p in range(reduced) if side * k * 2 * reduced <= (2 * p + 1) * length < side * (k + 1) * 2 * reduced
        ]
        assert mine == list(range(edges[k], edges[k + 1]))


def test_a_region_without_reduced_pixels_gets_no_share():
    edges = region_edges(289, 72, 288)
    assert edges.tolist() == [0, 72, 72]
    motion = region_shares(np.ones((72, 72), bool), edges, edges)
    assert motion.region_motion.tolist() == [[1, 0], [0, 0]]
    assert motion.frame_motion == 1


def test_frames_of_another_size_and_bad_parameters_are_refused():
    grid = RegionGrid(height=720, width=1280)
    with pytest.raises(InputError, match=r"the grid is for 720 x 1280, got a frame of \(360, 640\)"):
        MotionAnalyser(grid).update(pair(plain(size=(360, 640)), (360, 640)))
    for bad in ({"history": 0}, {"mixtures": 0}, {"variance_threshold": 0.0}):
        with pytest.raises(InputError, match="must be at least 1"):
            MotionAnalyser(grid, **bad)
