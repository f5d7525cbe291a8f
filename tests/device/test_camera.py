import threading

import pytest

from foveate.core import ManualClock, MediaError
from foveate.device import Capture, Clip, FrameSource
from foveate.device.camera import DECODE_AHEAD, pace
from foveate.testing import moving_squares, write_clip
from foveate.testing.sources import FakeCapture

FRAMES = 6
SQUARES = list(moving_squares(3, (64, 96)))


@pytest.fixture(scope="module")
def clip_path(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("camera") / "clip.mp4", frames=FRAMES, fps=10, size=(64, 96))


def opened(source):
    camera = pace(source, on_ready=lambda: None)
    camera.open()
    camera.start(100.0)
    return camera


def wait_for_decoder(camera):
    with camera._changed:
        camera._changed.wait_for(lambda: camera._done or len(camera._decoded) >= DECODE_AHEAD, 5)


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


def test_another_rate_is_another_distance(clip_path):
    with Clip(clip_path, fps=50) as clip:
        camera = opened(clip)
        assert camera.interval_s == pytest.approx(0.02)
        camera.take(100.0)
        assert camera.due_at == pytest.approx(100.02)
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
        assert camera.waiting == DECODE_AHEAD
        camera.close()
    assert not camera._thread.is_alive()


class Broken(FrameSource):
    name, fps, size = "broken", 10.0, (64, 96)

    def __iter__(self):
        raise MediaError("the disk is gone")

    def close(self):
        pass


@pytest.mark.parametrize("live", [False, True])
def test_an_error_of_the_source_reaches_the_loop(live):
    source, told = Broken(), threading.Event()
    source.live = live
    camera = pace(source, on_ready=told.set)
    camera.open()
    camera.start(0.0)
    assert told.wait(5)
    with pytest.raises(MediaError, match="the disk is gone"):
        camera.ended  # noqa: B018
    camera.close()


class ByHand(FrameSource):
    """A live source that delivers when it is told to."""

    name, fps, size, live = "by hand", 10.0, (64, 96), True

    def __init__(self):
        self.go, self.taken, self.over = threading.Semaphore(1), threading.Semaphore(0), False

    def __iter__(self):
        for count in range(1000):
            self.go.acquire()
            if self.over:
                return
            yield SQUARES[count % 3]
            self.taken.release()

    def deliver(self, frames=1):
        """Returns when they have arrived."""
        for _ in range(frames):
            self.go.release()
            assert self.taken.acquire(timeout=5)

    def close(self):
        self.over = True
        self.go.release()


@pytest.fixture
def by_hand():
    """A live camera that was opened at 100 s and has taken its first frame; source, camera, clock."""
    source, clock = ByHand(), ManualClock(100.0)
    camera = pace(source, on_ready=lambda: None, clock=clock)
    camera.open()
    assert source.taken.acquire(timeout=5)
    camera.start(100.0)
    yield source, camera, clock
    source.close()
    camera.close()
    assert not camera._thread.is_alive()


def test_a_live_camera_has_its_instants_half_an_interval_after_its_frames(by_hand):
    _, camera, _ = by_hand
    assert camera.due_at == pytest.approx(100.05)
    assert camera.take(100.04) is None
    frame = camera.take(100.05)
    assert (frame.index, frame.captured_at) == (0, pytest.approx(100.05))
    assert camera.due_at == pytest.approx(100.15)


def test_a_live_camera_keeps_its_rate_though_frames_come_early_and_late(by_hand):
    source, camera, _ = by_hand
    taken = [camera.take(100.05)]
    for index in range(1, 5):
        source.deliver()
        taken.append(camera.take(100.05 + index / 10 + 0.003))
    assert [frame.index for frame in taken] == [0, 1, 2, 3, 4]
    assert [frame.captured_at for frame in taken] == pytest.approx([100.05, 100.15, 100.25, 100.35, 100.45])
    assert camera.dropped_frames == 0


def test_of_the_frames_since_the_last_instant_a_live_camera_gives_the_newest_and_counts_the_others(by_hand):
    source, camera, _ = by_hand
    camera.take(100.05)
    source.deliver(3)  # the third is picture 0 again
    frame = camera.take(100.15)
    assert (frame.pixels == SQUARES[0]).all()
    assert camera.dropped_frames == 2


def test_a_live_camera_that_delivers_nothing_gives_nothing_and_time_goes_on(by_hand):
    source, camera, _ = by_hand
    camera.take(100.05)
    assert camera.take(100.15) is None
    assert camera.due_at == pytest.approx(100.25)
    assert camera.take(101.0) is None
    source.deliver()
    frame = camera.take(101.06)
    assert (frame.index, frame.captured_at) == (10, pytest.approx(101.05))
    assert not camera.ended


def test_a_loop_that_comes_late_gets_the_frame_of_the_instant_that_is(by_hand):
    source, camera, _ = by_hand
    source.deliver()
    frame = camera.take(100.38)
    assert (frame.index, frame.captured_at) == (3, pytest.approx(100.35))
    assert camera.dropped_frames == 1


def test_frames_before_the_start_are_not_counted_as_dropped():
    source = ByHand()
    camera = pace(source, on_ready=lambda: None, clock=ManualClock(100.0))
    camera.open()
    assert source.taken.acquire(timeout=5)
    source.deliver(5)
    camera.start(107.0)
    assert camera.dropped_frames == 0
    assert 107.0 <= camera.due_at < 107.1
    source.close()
    camera.close()


def test_closing_does_not_wait_for_a_camera_that_hangs():
    gate = threading.Event()

    class Hanging(FakeCapture):
        def read(self):
            if not self.wanted:  # the first frame, when it is opened
                self.wanted[0] = 1.0
                return super().read()
            gate.wait(30)
            return False, None

    source = Capture("camera 9", lambda: Hanging(SQUARES))
    camera = pace(source, on_ready=lambda: None)
    camera.open()
    camera.close()
    source.close()
    assert camera._thread.is_alive()
    gate.set()
    camera._thread.join(5)
    assert not camera._thread.is_alive()
