import functools
import http.server
import logging
import threading

import cv2
import numpy as np
import pytest

from foveate.core import InputError, MediaError
from foveate.device import Capture, Clip, ImageFolder, open_source
from foveate.device.sources import capture as capture_module
from foveate.testing import moving_squares, write_clip
from foveate.testing.sources import FakeCapture, SourceContract
from foveate.testing.streams import mjpeg_camera

SQUARES = list(moving_squares(4, (64, 96)))


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(capture_module, "FIRST_WAIT_S", 0.001)


class Bench:
    """A camera that can be unplugged: each connection has its own script."""

    def __init__(self, *scripts, **options):
        self.captures = []
        self.scripts, self.options = list(scripts), options

    def connect(self):
        capture = FakeCapture(self.scripts.pop(0) if self.scripts else [], **self.options)
        self.captures.append(capture)
        return capture

    def source(self, **options):
        return Capture("camera 0", self.connect, **options)


class TestCamera(SourceContract):
    def source(self):
        return Bench(SQUARES * 200, interval_s=0.002).source(fps=240)


class TestCameraThatIsUnpluggedAgainAndAgain(SourceContract):
    def source(self):
        return Bench(*([SQUARES] * 500), interval_s=0.002).source()


class TestRecordingBehindUrl(SourceContract):
    def source(self):
        return Bench(SQUARES * 10, frame_count=40.0).source()


def test_pixels_are_rgb():
    with Bench(SQUARES).source() as source:
        for wanted, pixels in zip(SQUARES, source, strict=False):
            assert (pixels == wanted).all()


@pytest.mark.parametrize("channels", [(), (1,), (4,)])
def test_grey_pictures_and_those_with_a_fourth_channel_become_rgb(channels):
    with Capture("camera 0", lambda: Raw(np.full((4, 6, *channels), 70, np.uint8))) as source:
        assert next(iter(source)).tolist() == np.full((4, 6, 3), 70).tolist()


@pytest.mark.parametrize("frame", [np.full((4, 6, 3), 300, np.uint16), np.zeros((4, 6, 2), np.uint8)])
def test_other_pictures_are_refused_in_one_line_and_the_camera_is_let_go(frame):
    raw = Raw(frame)
    with pytest.raises(MediaError, match=r"camera 0 delivers uint.* needed are 8 bits in 1, 3 or 4 channels"):
        Capture("camera 0", lambda: raw)
    assert raw.released


def test_an_empty_picture_is_none():
    with pytest.raises(MediaError, match="it delivers no frame"):
        Capture("camera 0", lambda: Raw(np.zeros((0, 0, 3), np.uint8)))


class Raw(FakeCapture):
    """Delivers one picture as it is, whatever it is."""

    def __init__(self, frame):
        super().__init__([])
        self.frame = frame

    def read(self):
        return True, self.frame


@pytest.mark.parametrize(("said", "taken"), [(25.0, 25.0), (0.0, 30.0), (float("nan"), 30.0), (90000.0, 30.0)])
def test_a_rate_that_cannot_be_is_replaced_by_the_usual_one(said, taken):
    with Bench(SQUARES, fps=said).source() as source:
        assert source.fps == taken


def test_a_rate_that_is_wanted_is_asked_of_the_camera_and_kept():
    bench = Bench(SQUARES, fps=30.0)
    with bench.source(fps=15.0) as source:
        assert source.fps == 15.0
    assert bench.captures[0].wanted[cv2.CAP_PROP_FPS] == 15.0


def test_a_camera_that_delivers_nothing_at_the_start_is_one_clear_line():
    with pytest.raises(MediaError, match="cannot open camera 0: it delivers no frame"):
        Bench([]).source()


def test_a_camera_that_stops_is_opened_again_until_it_is_back_and_said_so_once(caplog):
    bench = Bench(SQUARES[:2], [], [None], SQUARES[2:])
    with caplog.at_level(logging.WARNING), bench.source() as source:
        frames = [pixels for _, pixels in zip(range(4), source, strict=False)]
    assert all((pixels == wanted).all() for pixels, wanted in zip(frames, SQUARES, strict=True))
    assert len(bench.captures) == 4
    assert all(capture.released for capture in bench.captures[:3])
    assert [record.message for record in caplog.records] == [
        "camera 0 delivers no frames any more; looking for it",
        "camera 0 delivers frames again",
    ]


def test_tries_become_rarer(monkeypatch):
    waits = []
    source = Bench(SQUARES[:1]).source()

    class Closing:
        def wait(self, seconds):
            waits.append(seconds)
            return len(waits) == 7

        def is_set(self):
            return False

        def set(self):
            pass

    monkeypatch.setattr(capture_module, "FIRST_WAIT_S", 0.5)
    source._closed = Closing()
    assert len(list(source)) == 1
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]


def test_a_search_ends_when_the_source_is_closed():
    source = Bench(SQUARES[:1]).source()
    ended = threading.Event()

    def read():
        for _ in source:
            pass
        ended.set()

    threading.Thread(target=read, daemon=True).start()
    source.close()
    assert ended.wait(10)


def test_a_camera_that_comes_back_with_another_size_is_refused():
    other = list(moving_squares(1, (32, 96)))
    with (
        Bench(SQUARES[:1], other).source() as source,
        pytest.raises(MediaError, match=r"camera 0 came back with frames of \(32, 96\), they were \(64, 96\)"),
    ):
        list(source)


def test_a_recording_ends_and_a_camera_does_not():
    with Bench(SQUARES, frame_count=4.0).source() as recording:
        assert not recording.live
        assert len(list(recording)) == 4
    for count in (-1.0, 0.0, -9.2e18, 9.2e18):
        with Bench(SQUARES, frame_count=count).source() as camera:
            assert camera.live


# What a user may call a camera.


def test_what_is_played_follows_from_what_it_is_called(tmp_path, monkeypatch):
    opened = []

    def open_fake(target, *more):
        opened.append((target, *more[:1]))
        return FakeCapture(SQUARES)

    monkeypatch.setattr(capture_module, "_video_capture", open_fake)
    monkeypatch.setattr(cv2.videoio_registry, "hasBackend", lambda api: True)
    pipeline = "v4l2src ! videoconvert ! appsink"
    names = [open_source(camera).name for camera in (0, "3", "rtsp://user:secret@host:554/a?b=c", pipeline)]
    assert names == ["camera 0", "camera 3", "rtsp://host:554/a?b=c", "the pipeline"]
    assert opened == [
        (0, cv2.CAP_ANY),
        (3, cv2.CAP_ANY),
        ("rtsp://user:secret@host:554/a?b=c", cv2.CAP_FFMPEG),
        (pipeline, cv2.CAP_GSTREAMER),
    ]
    clip = write_clip(tmp_path / "a!b.mp4", frames=2, size=(64, 96))
    assert isinstance(open_source(clip), Clip)
    assert isinstance(open_source(str(clip), fps=5), Clip)
    (tmp_path / "0").mkdir()
    cv2.imwrite(str(tmp_path / "0" / "a.png"), SQUARES[0])
    assert isinstance(open_source(tmp_path / "0", fps=5), ImageFolder)


def test_a_pipeline_needs_an_opencv_that_has_gstreamer(monkeypatch):
    monkeypatch.setattr(cv2.videoio_registry, "hasBackend", lambda api: False)
    with pytest.raises(InputError, match="needs an OpenCV that was built with GStreamer"):
        open_source("videotestsrc ! appsink")


@pytest.mark.parametrize("camera", ["63", "http://127.0.0.1:9/none.mp4"])
def test_a_camera_that_is_not_there_is_one_clear_line(camera, capfd):
    with pytest.raises(MediaError, match="cannot open"):
        open_source(camera)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("password", ["secret", *(f"se{mark}cret" for mark in "#/?[]@:")])
def test_no_password_is_told_however_it_is_written(monkeypatch, password):
    url = f"rtsp://admin:{password}@host:554/a?b=c#d"
    monkeypatch.setattr(capture_module, "_video_capture", lambda *target: FakeCapture(SQUARES))
    assert open_source(url).name == "rtsp://host:554/a?b=c#d"
    monkeypatch.setattr(capture_module, "_video_capture", lambda *target: FakeCapture([]))
    with pytest.raises(MediaError, match="cannot open rtsp://host:554/") as caught:
        open_source(url)
    assert password not in str(caught.value)
    assert ("%23" in str(caught.value)) == any(mark in password for mark in "#/?")


@pytest.mark.parametrize(("options", "problem"), [({"loop": 2}, "more than once"), ({"fps": 0.0}, "above 0")])
def test_what_a_camera_cannot_do_is_refused(options, problem):
    with pytest.raises(InputError, match=problem):
        open_source("0", **options)


def test_a_recording_behind_a_url_is_played_to_its_end(tmp_path):
    write_clip(tmp_path / "clip.mp4", frames=5, fps=10, size=(64, 96))

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *words):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with open_source(f"http://127.0.0.1:{server.server_port}/clip.mp4") as source:
            assert (source.fps, source.size, source.live) == (10.0, (64, 96), False)
            assert len(list(source)) == 5
        server.shutdown()


def test_a_network_camera_that_hangs_up_is_called_again(caplog):
    with mjpeg_camera(fps=100, frames_per_visit=10) as url, open_source(url, fps=100) as source:
        assert source.live
        frames = [pixels for _, pixels in zip(range(25), source, strict=False)]
    assert {pixels.shape for pixels in frames} == {(128, 192, 3)}
    assert [record.message for record in caplog.records[:2]] == [
        f"{url} delivers no frames any more; looking for it",
        f"{url} delivers frames again",
    ]
