import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from foveate.codec import VideoReader, VideoWriter
from foveate.core import Detections, FoveateError, Frame, MediaError
from foveate.device import Displayed, VideoSink
from foveate.testing import moving_squares

SIZE = (64, 96)
SQUARES = list(moving_squares(40, SIZE))
NOTHING = Detections.empty(())


def shown(index):
    frame = Frame(pixels=SQUARES[index], index=index, captured_at=index / 10)
    return Displayed(frame=frame, displayed_at=(index + 1) / 10, detections=NOTHING, source=None)


def played(path):
    with VideoReader(path) as reader:
        assert reader.fps == pytest.approx(10)
        return list(reader)


def test_what_was_displayed_is_a_video_with_its_rate(tmp_path):
    with VideoSink(tmp_path / "out.mp4", size=SIZE, fps=10) as sink:
        for index in range(5):
            sink(shown(index))
    assert sink.left_out == 0
    assert len(played(tmp_path / "out.mp4")) == 5
    assert not list(tmp_path.glob("*.part"))


def test_frames_keep_their_place_in_time_over_a_gap(tmp_path):
    with VideoSink(tmp_path / "out.mp4", size=SIZE, fps=10) as sink:
        for index in (7, 8, 20):
            sink(shown(index))
    import av

    with av.open(str(tmp_path / "out.mp4")) as container:
        times = [float(frame.time) for frame in container.decode(video=0)]
    assert np.diff(times) == pytest.approx([0.1, 1.2])


def test_the_file_is_complete_though_the_run_ended_with_an_error(tmp_path):
    def interrupted_run():
        with VideoSink(tmp_path / "out.mp4", size=SIZE, fps=10) as sink:
            for index in range(3):
                sink(shown(index))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted_run()
    assert len(played(tmp_path / "out.mp4")) == 3


def test_a_slow_encoder_holds_nobody_up(tmp_path, monkeypatch):
    gate, write = threading.Event(), VideoWriter.write

    def wait_and_write(self, *words):
        assert gate.wait(20)
        write(self, *words)

    monkeypatch.setattr(VideoWriter, "write", wait_and_write)
    with VideoSink(tmp_path / "out.mp4", size=SIZE, fps=10) as sink:
        for index in range(40):
            sink(shown(index))
        assert sink.left_out >= 40 - 9
        gate.set()
    assert len(played(tmp_path / "out.mp4")) == 40 - sink.left_out


def test_an_error_of_the_encoder_is_told_and_what_was_written_before_it_is_kept(tmp_path, monkeypatch, caplog):
    written, write = threading.Event(), VideoWriter.write

    def write_some(self, pixels, position):
        if position == 25:
            written.set()
            raise MediaError("cannot write video: no space left")
        write(self, pixels, position)

    monkeypatch.setattr(VideoWriter, "write", write_some)

    def show_all():
        with VideoSink(tmp_path / "out.mp4", size=SIZE, fps=10) as sink:
            for index in range(26):
                while sink._waiting.full():
                    time.sleep(0.01)
                sink(shown(index))
            assert written.wait(20)
            for index in range(26, 30):
                sink(shown(index))

    with pytest.raises(MediaError, match="no space left"):
        show_all()
    assert len(played(tmp_path / "out.mp4")) == 25
    assert caplog.messages == ["cannot write video: no space left; the video ends there, the picture goes on"]


FULL_DISK = """
import resource, sys, time
import numpy as np
from foveate.core import Detections, Frame, MediaError
from foveate.device import Displayed, VideoSink
chance = np.random.default_rng(0)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
try:
    with VideoSink(sys.argv[1], size=(64, 96), fps=10) as sink:
        for index in range(200):
            while sink._waiting.full():
                time.sleep(0.01)
            frame = Frame(pixels=chance.integers(0, 256, (64, 96, 3), np.uint8), index=index, captured_at=index / 10)
            sink(Displayed(frame=frame, displayed_at=0.0, detections=Detections.empty(("person",)), source=None))
except MediaError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the size of files")
def test_a_file_that_the_kernel_lets_grow_no_more_can_be_played_up_to_there(tmp_path):
    path = tmp_path / "out.mp4"
    done = subprocess.run([sys.executable, "-c", FULL_DISK, path], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"cannot write video {path}: File too large"]
    assert "the video ends there, the picture goes on" in done.stderr
    assert path.stat().st_size <= 200_000
    assert len(played(path)) >= 10


def test_without_pyav_there_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(FoveateError, match=r"needs PyAV: pip install 'foveate\[server\]'"):
        VideoSink(tmp_path / "out.mp4", size=SIZE, fps=10)
