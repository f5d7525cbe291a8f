"""Files in and out."""

import builtins
import errno

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
    with pytest.raises(InputError, match="frame rate above 0"):
        VideoWriter(tmp_path / "x.mp4", (8, 8), 0)
    with pytest.raises(MediaError, match="cannot write video"):
        VideoWriter(tmp_path / "none" / "x.mp4", (8, 8), 25)


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
    with pytest.raises(MediaError, match="suffix must be one of"):
        write_image(tmp_path / "a.txt", picture)
    with pytest.raises(MediaError, match="cannot write image"):
        write_image(tmp_path / "none" / "a.png", picture)


def test_suffixes_tell_images_from_videos():
    assert is_image("A.JPG")
    assert is_video("b.Mp4")
    assert not is_image("b.mp4")
    assert not is_video("frames/")
