import threading
from itertools import pairwise

import numpy as np
import pytest

from foveate.core import InputError, MediaError
from foveate.device import Clip
from foveate.device.camera import DECODE_AHEAD, ClipCamera, played_frames
from foveate.testing import write_clip

FRAMES = 6


@pytest.fixture(scope="module")
def clip_path(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("camera") / "clip.mp4", frames=FRAMES, fps=10, size=(64, 96))


def opened(clip):
    camera = ClipCamera(clip, on_ready=lambda: None)
    camera.open()
    camera.start(100.0)
    return camera


def wait_for_decoder(camera):
    with camera._changed:
        camera._changed.wait_for(lambda: camera._done or len(camera._decoded) >= DECODE_AHEAD, 5)


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


def test_frames_come_when_they_are_due_and_not_before(clip_path):
    with Clip(clip_path) as clip:
        camera = opened(clip)
        assert camera.due_at == pytest.approx(100.0)
        first = camera.take(100.0)
        assert (first.index, first.captured_at) == (0, 100.0)
        assert camera.take(100.05) is None
        second = camera.take(100.11)
        assert (second.index, second.captured_at) == (1, pytest.approx(100.1))
        camera.close()


def test_frames_that_nobody_took_are_dropped_and_counted(clip_path):
    with Clip(clip_path) as clip:
        camera = opened(clip)
        assert camera.take(100.0).index == 0
        wait_for_decoder(camera)
        assert camera.take(100.35).index == 3
        assert camera.dropped_frames == 2
        wait_for_decoder(camera)
        assert camera.take(200.0) is None
        assert camera.ended
        assert camera.dropped_frames == 4
        camera.close()


def test_it_decodes_no_further_ahead_than_it_should(clip_path):
    with Clip(clip_path) as clip:
        camera = opened(clip)
        assert len(camera._decoded) == DECODE_AHEAD
        camera.close()
    assert not camera._thread.is_alive()


def test_an_error_of_the_decoder_reaches_the_loop():
    class Broken:
        fps, size = 10.0, (64, 96)

        def __iter__(self):
            raise MediaError("the disk is gone")

    told = threading.Event()
    camera = ClipCamera(Broken(), on_ready=told.set)
    camera.open()
    camera.start(0.0)
    assert told.wait(5)
    with pytest.raises(MediaError, match="the disk is gone"):
        camera.ended  # noqa: B018
    camera.close()
