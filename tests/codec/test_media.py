"""Files in and out."""

import builtins
import errno
import os
import struct
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from foveate.codec import VideoReader, VideoWriter, is_image, is_video, read_image, write_image
from foveate.core import FoveateError, InputError, MediaError

av = pytest.importorskip("av")


def frames(count, height=48, width=64):
    y, x = np.mgrid[:height, :width]
    return [np.stack([x * 3, y * 4, np.full_like(x, 10 * i)], axis=-1).astype(np.uint8) for i in range(count)]


def write_video(path, pictures, fps=25.0, **options):
    with VideoWriter(path, pictures[0].shape[:2], fps, **options) as writer:
        for picture in pictures:
            writer.write(picture)
    return path


def test_a_written_video_reads_back_in_order_and_colour(tmp_path):
    path = write_video(tmp_path / "clip.mp4", frames(12), fps=30000 / 1001, crf=10)
    with VideoReader(path) as reader:
        assert (reader.size, reader.frame_count) == ((48, 64), 12)
        assert reader.fps == pytest.approx(29.97, abs=0.01)
        back = list(reader)
        assert reader.frames_read == len(back) == 12
        assert not reader.ended_early
    for got, sent in zip(back, frames(12), strict=True):
        assert np.abs(got.astype(int) - sent).mean() < 6
    assert [p.name for p in tmp_path.iterdir()] == ["clip.mp4"]


def test_odd_sizes_are_padded_by_one(tmp_path):
    path = write_video(tmp_path / "odd.mp4", frames(2, 47, 63))
    with VideoReader(path) as reader:
        assert reader.size == (48, 64)


def test_a_failed_block_leaves_neither_file_nor_part(tmp_path):
    def fail():
        with VideoWriter(tmp_path / "x.mp4", (48, 64), 25) as writer:
            writer.write(frames(1)[0])
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_frame_keeps_its_place_in_time_and_over_a_gap_the_picture_stands(tmp_path):
    with VideoWriter(tmp_path / "x.mp4", (48, 64), 25) as writer:
        for position in (0, 1, 10):
            writer.write(np.zeros((48, 64, 3), np.uint8), position)
    with av.open(str(tmp_path / "x.mp4")) as container:
        times = [float(frame.time) for frame in container.decode(video=0)]
    assert times == pytest.approx([0.0, 0.04, 0.4])


def test_writer_names_wrong_frames_and_missing_folders(tmp_path):
    with pytest.raises(InputError, match="takes frames of"), VideoWriter(tmp_path / "x.mp4", (8, 8), 25) as w:
        w.write(frames(1)[0])
    with pytest.raises(MediaError, match="cannot write video"):
        VideoWriter(tmp_path / "none" / "x.mp4", (8, 8), 25)


@pytest.mark.parametrize("fps", [0, -1, 1e-4, 5000, 1e30, float("nan")])
def test_a_rate_that_players_cannot_keep_is_refused(tmp_path, fps):
    with pytest.raises(InputError, match=r"a video needs 0\.001 to 1000 frames per second"):
        VideoWriter(tmp_path / "x.mp4", (8, 8), fps)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [(0, 8), (-2, 8), (8.0, 8.0), (8,)])
def test_a_size_without_pixels_is_refused(tmp_path, size):
    with pytest.raises(InputError, match="a height and a width of at least 1 pixel"):
        VideoWriter(tmp_path / "x.mp4", size, 25)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("positions", "got"), [((-1,), -1), ((0, 0), 0), ((5, 3), 3)])
def test_a_position_that_is_not_after_those_before_is_refused(tmp_path, positions, got):
    def write():
        with VideoWriter(tmp_path / "x.mp4", (48, 64), 25) as writer:
            for position in positions:
                writer.write(frames(1)[0], position)

    with pytest.raises(InputError, match=f"needs a frame at a position above .*, got {got}"):
        write()


def test_a_frame_without_a_position_follows_the_one_before(tmp_path):
    with VideoWriter(tmp_path / "x.mp4", (48, 64), 25) as writer:
        for position in (None, 5, None):
            writer.write(frames(1)[0], position)
    with av.open(str(tmp_path / "x.mp4")) as container:
        times = [float(frame.time) for frame in container.decode(video=0)]
    assert times == pytest.approx([0.0, 0.2, 0.24])


@pytest.mark.parametrize("fragments", [False, True])
def test_a_block_without_a_frame_leaves_no_file(tmp_path, fragments):
    with VideoWriter(tmp_path / "x.mp4", (48, 64), 25, fragments=fragments):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_looks_like_an_address_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_video("2026-11-26T10:30.mp4", frames(3))
    with VideoReader("2026-11-26T10:30.mp4") as reader:
        assert len(list(reader)) == 3


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 333), (47, 2)])
def test_the_smallest_frames_make_videos(tmp_path, height, width):
    path = write_video(tmp_path / "x.mp4", frames(2, height, width))
    with VideoReader(path) as reader:
        assert reader.size == (height + height % 2, width + width % 2)
        assert len(list(reader)) == 2


def test_a_full_disk_is_one_clear_error(tmp_path, monkeypatch):
    full = OSError(errno.ENOSPC, "No space left on device")

    class Container:
        def mux(self, packets):
            raise full

        def close(self):
            raise full

    writer = VideoWriter(tmp_path / "x.mp4", (48, 64), 25)
    monkeypatch.setattr(writer, "_container", Container())
    with pytest.raises(MediaError, match="No space left"), writer:
        writer.write(frames(50)[0])
    assert list(tmp_path.iterdir()) == []


def test_a_missing_av_names_the_extra(tmp_path, monkeypatch):
    real = builtins.__import__
    monkeypatch.setattr(
        builtins, "__import__", lambda name, *a, **k: real("no_such_" + name if name == "av" else name, *a, **k)
    )
    with pytest.raises(FoveateError, match=r"foveate\[server\]"):
        VideoWriter(tmp_path / "x.mp4", (8, 8), 25)


def test_a_video_that_stops_in_the_middle_is_reported(tmp_path, caplog):
    noise = np.random.default_rng(0).integers(0, 256, (20, 48, 64, 3), dtype=np.uint8)
    path = tmp_path / "cut.mp4"
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "1"})
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        for picture in noise:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    reader = VideoReader(path)
    count = len(list(reader))
    assert 0 < count < 18
    assert reader.ended_early
    assert f"ends in the middle: {count} of 20 frames" in caplog.text


def timed_video(path, times_ms, codec="libx264"):
    """A video whose frames are shown at these times."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        if codec != "mpeg2video":  # knows a few rates alone
            stream.codec_context.time_base = Fraction(1, 1000)
        for time, picture in zip(times_ms, frames(len(times_ms)), strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("name", ["x.mkv", "x.webm"])
def test_a_whole_video_of_varying_rate_does_not_end_early(tmp_path, caplog, name):
    codec = "libvpx" if name.endswith("webm") else "libx264"
    path = timed_video(tmp_path / name, [0, 40, 50, 60, 1000, 1040, 1080, 3000, 3040, 3080], codec)
    with VideoReader(path) as reader:
        assert len(list(reader)) == 10
        assert not reader.ended_early
    assert "varies in rate: it is played at 25 FPS, its mean is 2.92" in caplog.text


def test_a_video_of_steady_rate_is_read_in_silence(tmp_path, caplog):
    for name in ("x.mkv", "x.mp4", "x.ts"):
        with VideoReader(timed_video(tmp_path / name, range(0, 1600, 40))) as reader:
            assert len(list(reader)) == 40
    assert not caplog.text


@pytest.mark.parametrize("name", ["x.mkv", "x.webm", "x.mp4", "x.ts"])
def test_a_video_whose_first_frame_is_shown_late_is_whole(tmp_path, caplog, name):
    codec = "libvpx" if name.endswith("webm") else "libx264"
    with VideoReader(timed_video(tmp_path / name, range(5000, 6600, 40), codec)) as reader:
        assert reader.frame_count == len(list(reader)) == 40
        assert not reader.ended_early
    assert not caplog.text


def test_a_container_without_a_count_has_none(tmp_path):
    with VideoReader(timed_video(tmp_path / "x.mpg", range(0, 800, 40), "mpeg2video")) as reader:
        assert reader.frame_count is None
        assert len(list(reader)) == 20


@pytest.mark.parametrize(("degrees", "corner"), [(90, (0, -1)), (180, (-1, -1)), (270, (-1, 0))])
def test_a_video_that_was_filmed_sideways_is_turned_upright(tmp_path, degrees, corner):
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:16, :16] = 255, 0, 0
    data = bytearray(write_video(tmp_path / "x.mp4", [picture] * 2).read_bytes())
    turn = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[degrees]
    a, b, c, d = (value << 16 for value in turn)
    matrix = data.index(b"tkhd") + 44
    data[matrix : matrix + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    (tmp_path / "x.mp4").write_bytes(data)
    with VideoReader(tmp_path / "x.mp4") as reader:
        assert reader.size == ((48, 64) if degrees == 180 else (64, 48))
        red, *others = next(reader)[corner].tolist()
    assert red > 200
    assert max(others) < 60


def test_an_unknown_frame_count_is_none(tmp_path, monkeypatch):
    path = write_video(tmp_path / "clip.mp4", frames(3))
    monkeypatch.setattr(VideoReader, "_count", lambda self: None)
    with VideoReader(path) as reader:
        assert reader.frame_count is None
        assert len(list(reader)) == 3
        assert not reader.ended_early


@pytest.mark.parametrize("content", [b"", b"not a video" * 100])
def test_unreadable_videos_and_images_are_media_errors(tmp_path, content):
    path = tmp_path / "broken.mp4"
    path.write_bytes(content)
    with pytest.raises(MediaError, match="not a readable video"):
        VideoReader(path)
    with pytest.raises(MediaError, match="not a readable image"):
        read_image(path)
    with pytest.raises(MediaError, match="no video file"):
        VideoReader(tmp_path / "missing.mp4")
    with pytest.raises(MediaError, match="No such file"):
        read_image(tmp_path / "missing.png")


def test_images_round_trip_and_are_rgb(tmp_path):
    picture = frames(1)[0]
    write_image(tmp_path / "a.png", picture)
    assert np.array_equal(read_image(tmp_path / "a.png"), picture)
    assert np.array_equal(cv2.imread(str(tmp_path / "a.png"))[..., ::-1], picture)
    with pytest.raises(MediaError, match="its format does not take 1 x 20000 pixels"):
        write_image(tmp_path / "a.webp", np.zeros((1, 20000, 3), np.uint8))
    with pytest.raises(MediaError, match="suffix must be one of"):
        write_image(tmp_path / "a.txt", picture)
    with pytest.raises(MediaError, match="cannot write image"):
        write_image(tmp_path / "none" / "a.png", picture)


def test_suffixes_tell_images_from_videos():
    assert is_image("A.JPG")
    assert is_video("b.Mp4")
    assert not is_image("b.mp4")
    assert not is_video("frames/")


@pytest.mark.parametrize(
    ("name", "codec", "form"),
    [
        ("x.3gp", "h263", None),
        ("x.avi", "mpeg4", None),
        ("x.flv", "flv", None),
        ("x.gif", "gif", None),
        ("x.m2ts", "libx264", "mpegts"),
        ("x.mts", "libx264", "mpegts"),
        ("x.wmv", "wmv2", None),
    ],
)
def test_what_is_called_a_video_is_read_as_one(tmp_path, caplog, name, codec, form):
    with av.open(str(tmp_path / name), "w", format=form) as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt = 144, 176, "rgb8" if codec == "gif" else "yuv420p"
        for _ in range(10):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((144, 176, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    assert is_video(name)
    with VideoReader(tmp_path / name) as reader:
        assert len(list(reader)) == 10
        assert not reader.ended_early
    assert not caplog.text


def test_a_name_that_is_no_text_is_one_clear_error(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mp4"))
    path.write_bytes(b"")
    with pytest.raises(MediaError, match="name of a video must be UTF-8"):
        VideoReader(path)
