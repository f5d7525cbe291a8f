"""Visually lossless H.264 files from frames, through PyAV, and several of them joined into one."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

from foveate.world.errors import WorldError
from foveate.world.textures import Picture

_REORDERED = 2
"""Frames by which x264 decodes ahead of what it shows: b-frames that others are predicted from."""


def write_h264(path: Path, frames: Iterable[Picture], *, size: tuple[int, int], fps: int, crf: int) -> None:
    """Encodes `frames` of `size` `(height, width)` as yuv420p MP4 at `path`; H.264 takes even sizes only.

    Raises `WorldError` when PyAV is missing or the encoder refuses, `OSError` when the disk is full.
    """
    task = f"encode {size[0]}x{size[1]} at {fps} frames a second"
    with _av(task) as av, av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps))
        stream.height, stream.width, stream.pix_fmt = size[0], size[1], "yuv420p"
        # Same frames, same bytes: several threads and x264's macroblock tree (its vector code) would break that.
        stream.options = {"crf": str(crf), "preset": "medium", "threads": "1", "x264-params": "mbtree=0"}
        for picture in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def join_h264(path: Path, parts: Sequence[tuple[Path, int]], *, fps: int) -> None:
    """Joins files of `write_h264`, each with the number of its first frame, without encoding anything anew.

    Raises `WorldError` when PyAV is missing or a part cannot be read, `OSError` when the disk is full.
    """
    with (
        _av("join the segments of a clip") as av,
        av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container,
        av.open(str(parts[0][0])) as model,
    ):
        joined = container.add_stream_from_template(model.streams.video[0])
        for part, first in parts:
            for packet in _shifted(av, part, first, fps):
                packet.stream = joined
                container.mux(packet)


def _shifted(av: Any, part: Path, first: int, fps: int) -> Iterator[Any]:
    """Packets of a file whose first frame becomes number `first`; each is decoded one frame after the one before."""
    with av.open(str(part)) as source:
        # The last packet of a file is empty and tells decoders to finish.
        for number, packet in enumerate(p for p in source.demux(video=0) if p.dts is not None):
            frame = 1 / (fps * packet.time_base)
            packet.pts += int(first * frame)
            # Files of one frame or two are not reordered; among longer ones they must wait as long.
            packet.dts = int((first + number - _REORDERED) * frame)
            yield packet


@contextmanager
def _av(task: str) -> Iterator[Any]:
    """PyAV; its errors in one line, but for those of the disk."""
    try:
        # PyAV comes with an extra; nothing but writing a video may need it.
        import av  # noqa: PLC0415
    except ImportError as error:
        raise WorldError(f"writing video needs the extra 'world' (pip install foveate[world]): {error}") from error
    try:
        yield av
    except av.error.FFmpegError as error:
        if isinstance(error, OSError):
            raise
        raise WorldError(f"cannot {task}: {error}") from error
