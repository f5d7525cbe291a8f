"""Visually lossless H.264 files from frames, through PyAV."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

from foveate.world.errors import WorldError
from foveate.world.textures import Picture


def write_h264(path: Path, frames: Iterable[Picture], *, size: tuple[int, int], fps: int, crf: int) -> None:
    """Encodes `frames` of `size` `(height, width)` as yuv420p MP4 at `path`; H.264 takes even sizes only.

    Raises `WorldError` when PyAV is missing or the encoder refuses, `OSError` when the disk is full.
    """
    try:
        # PyAV comes with an extra; nothing but writing a video may need it.
        import av  # noqa: PLC0415
    except ImportError as error:
        raise WorldError(f"writing video needs the extra 'world' (pip install foveate[world]): {error}") from error
    try:
        with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
            stream = container.add_stream("libx264", rate=Fraction(fps))
            stream.height, stream.width, stream.pix_fmt = size[0], size[1], "yuv420p"
            stream.options = {"crf": str(crf), "preset": "medium"}
            for picture in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode())
    except av.error.FFmpegError as error:
        if isinstance(error, OSError):
            raise
        raise WorldError(f"cannot encode {size[0]}x{size[1]} at {fps} frames a second: {error}") from error
