from itertools import pairwise

import numpy as np
import pytest

from foveate.core import InputError, MediaError
from foveate.device import Clip
from foveate.device.sources import played_frames
from foveate.testing import write_clip
from foveate.testing.sources import SourceContract

FRAMES = 6


@pytest.fixture(scope="module")
def clip_path(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("camera") / "clip.mp4", frames=FRAMES, fps=10, size=(64, 96))


class TestClip(SourceContract):
    @pytest.fixture(autouse=True)
    def _path(self, clip_path):
        self.path = clip_path

    def source(self):
        return Clip(self.path)


class TestLoopedClip(TestClip):
    def source(self):
        return Clip(self.path, loop=2, fps=60)


@pytest.mark.parametrize(
    ("loop", "expected"),
    [(1, [0, 1, 2]), (2, [0, 1, 2, 1, 0]), (3, [0, 1, 2, 1, 0, 1, 2]), (4, [0, 1, 2, 1, 0, 1, 2, 1, 0])],
)
def test_a_loop_plays_forward_and_backward_without_a_jump(loop, expected):
    assert list(played_frames(3, loop)) == expected
    assert all(abs(a - b) == 1 for a, b in pairwise(expected))


def test_a_single_frame_is_played_once():
    assert list(played_frames(1, 3)) == [0]


def test_a_looped_clip_is_the_same_pixels_backward(clip_path):
    with Clip(clip_path) as once, Clip(clip_path, loop=2) as twice:
        forward, both = list(once), list(twice)
        assert (once.frame_count, twice.frame_count) == (FRAMES, 2 * FRAMES - 1)
        assert [twice.file_position(i) for i in (0, FRAMES - 1, FRAMES, 2 * FRAMES - 2)] == [0, 5, 4, 0]
        assert once.file_position(3) == 3
    assert np.array_equal(np.stack(both[:FRAMES]), np.stack(forward))
    assert np.array_equal(np.stack(both[FRAMES - 1 :]), np.stack(forward[::-1]))


def test_a_clip_that_is_none_is_one_clear_error(tmp_path):
    with pytest.raises(MediaError):
        Clip(tmp_path / "missing.mp4")
    (tmp_path / "noise.mp4").write_bytes(b"noise" * 1000)
    with pytest.raises(MediaError):
        Clip(tmp_path / "noise.mp4")


def test_a_loop_below_one_is_refused(clip_path):
    with pytest.raises(InputError, match="loop"):
        Clip(clip_path, loop=0)
