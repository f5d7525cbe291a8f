"""Frames into an H.264 MP4 that every browser plays."""

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from foveate.codec.layout import Size
from foveate.core import FoveateError, InputError, MediaError, Pixels, check_pixels

LEAST_FPS, MOST_FPS = 0.001, 1000.0
"""Rates at which players still keep time."""


class VideoWriter:
    """Context manager that writes RGB frames of one size to `path`.

    The file grows as `path.part` and takes its name when the block ends without an error; otherwise, and where no frame
    came, it is removed. With `fragments` it can be played whatever happens, up to its last seconds at least, and is
    kept after an error. An odd side gets one replicated row or column, as 4:2:0 video needs. Raises `FoveateError`
    without PyAV, `InputError` on a size, rate, frame or position that cannot be, `MediaError` where the disk or the
    encoder refuses.
    """

    def __init__(self, path: str | Path, size: Size, fps: float, crf: int = 23, *, fragments: bool = False) -> None:
        self.path = Path(path)
        """The finished file."""
        self.size = size
        """`(height, width)` of the frames given to `write`, pixels."""
        if len(size) != 2 or not all(isinstance(side, int) and side >= 1 for side in size):
            raise InputError(f"a video needs a height and a width of at least 1 pixel, got {size}")
        rate = _rate(fps)
        self._av = _import_av()
        self._fragments, self._last = fragments, -1
        # Absolute, or FFmpeg would take a name such as 10:30.mp4 for an address.
        self._part = self.path.absolute().with_name(self.path.name + ".part")
        options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"} if fragments else {}
        try:
            self._part.touch()  # PyAV opens the file only at the first frame
            self._container = self._av.open(str(self._part), "w", format="mp4", options=options)
            self._stream = self._add_stream(rate, crf)
        except (self._av.FFmpegError, OSError) as error:
            self._part.unlink(missing_ok=True)
            raise self._refused(error) from error

    def write(self, pixels: Pixels, position: int | None = None) -> None:
        """Append one frame, uint8 `(*size, 3)` RGB.

        `position`: its place in time, in frames from the start, above those before; over a gap the picture stands
        still. None = right after the frame before.
        """
        if check_pixels(pixels).shape[:2] != self.size:
            raise InputError(f"{self.path} takes frames of {self.size}, got {pixels.shape[:2]}")
        place = self._last + 1 if position is None else position
        if place <= self._last:
            raise InputError(f"{self.path} needs a frame at a position above {self._last}, got {place}")
        odd = ((0, self.size[0] % 2), (0, self.size[1] % 2), (0, 0))
        even = np.pad(pixels, odd, mode="edge") if any(self.size[i] % 2 for i in (0, 1)) else pixels
        frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
        frame.pts, frame.time_base = place, 1 / self._stream.codec_context.framerate
        self._encode(frame)
        self._last = place

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        whole = self._fragments
        try:
            if kind is None:
                self._finish()
                whole = True
            else:
                with suppress(MediaError):  # the first error is the one to tell
                    self._finish()
        finally:
            if whole and self._last >= 0:
                self._part.replace(self.path)
            else:
                self._part.unlink(missing_ok=True)

    def _finish(self) -> None:
        try:
            self._encode(None)
        finally:
            self._close()

    def _add_stream(self, rate: Fraction, crf: int) -> Any:
        stream = self._container.add_stream("libx264", rate=rate, options={"crf": str(crf), "preset": "veryfast"})
        stream.height, stream.width = (side + side % 2 for side in self.size)
        stream.pix_fmt = "yuv420p"
        if self._fragments:
            stream.codec_context.gop_size = max(1, round(rate))  # a fragment ends before each key frame
        return stream

    def _encode(self, frame: Any) -> None:
        try:
            self._container.mux(self._stream.encode(frame))
        except (self._av.FFmpegError, OSError) as error:
            raise self._refused(error) from error

    def _close(self) -> None:
        try:
            self._container.close()
        except (self._av.FFmpegError, OSError) as error:
            raise self._refused(error) from error

    def _refused(self, error: Exception) -> MediaError:
        return MediaError(f"cannot write video {self.path}: {getattr(error, 'strerror', None) or error}")


def _rate(fps: float) -> Fraction:
    """Frames per second as a fraction, in which 30000/1001 and the like stay exact."""
    if not LEAST_FPS <= fps <= MOST_FPS:
        raise InputError(f"a video needs {LEAST_FPS:g} to {MOST_FPS:g} frames per second, got {fps}")
    return Fraction(float(fps)).limit_denominator(1001)


def _import_av() -> Any:
    try:
        import av  # noqa: PLC0415  # a device reads videos without it
    except ImportError as error:
        raise FoveateError("writing video needs PyAV: pip install 'foveate[server]'") from error
    return av
