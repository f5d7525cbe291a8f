"""Frames out of a video file, one at a time."""

import logging
import math
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np

from foveate.codec.layout import Size
from foveate.core import MediaError, Pixels

_LOG = logging.getLogger(__name__)

_USUAL_FPS = 30.0
_COUNT_SLACK = 2
"""Containers without an index estimate their frame count from the duration."""
_UNCOUNTED = frozenset({".mpeg", ".mpg"})
"""Here not even the duration is known: what OpenCV tells is guessed from the bit rate, and may be 1."""
_FROM_ZERO = frozenset({".mkv", ".webm"})
"""Here the duration counts from 0, whenever the first frame is shown."""
_POSITION = 71
"""`cv2.CAP_PROP_PTS`, in frames; an older OpenCV neither knows the name nor tells more than 0."""
_FEW = 10
"""Steps from frame to frame up to which nothing is said about a file's rate."""
_VARIES = 1.25
"""Ratio of a file's own rate to the mean over its frames, either way, from which its rate is said to vary."""


class VideoReader:
    """Iterates once over the RGB frames `(H, W, 3)` of a video file, upright, decoded as they are asked for.

    Frames come without their times: a file of varying rate is handed out as if its rate were `fps`, and a warning is
    logged at its end. Frames of another size than the first are resized to it.
    Raises `MediaError` where the file is missing, is not a video, or holds no frame. A file that stops before the
    number of frames that it announces is played as far as it goes, then logged as a warning; see `ended_early`.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        """The file."""
        if not self.path.is_file():
            raise MediaError(f"no video file {self.path}")
        _check_name(self.path.absolute())
        # A broken file is reported once, by us: FFmpeg would print lines of its own as well.
        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
        # Absolute, or FFmpeg would take a name such as 10:30.mp4 for an address.
        self._capture = cv2.VideoCapture(str(self.path.absolute()))
        self._latest_s = 0.0
        self._ahead = self._read()
        if self._ahead is None:
            self.close()
            raise MediaError(f"{self.path} is not a readable video: no frame could be decoded")
        self.size: Size = self._ahead.shape[0], self._ahead.shape[1]
        """`(height, width)`, pixels."""
        self.fps = self._rate()
        """Frames per second; 30 where the file does not say."""
        self.frame_count = self._count()
        """Number of frames that the file announces, or that its duration suggests; None where it does not say."""
        self.frames_read = 0
        """How many frames have been handed out."""
        self.ended_early = False
        """True once the file has stopped clearly before `frame_count`."""

    def close(self) -> None:
        """Release the file; a second call does nothing."""
        self._ahead = None
        self._capture.release()

    def __iter__(self) -> Iterator[Pixels]:
        return self

    def __next__(self) -> Pixels:
        if self._ahead is None:
            raise StopIteration
        frame, self._ahead = self._ahead, self._read()
        self.frames_read += 1
        if self._ahead is None:
            self._check_end()
        return frame

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_end(self) -> None:
        steps = self._latest_s * self.fps
        # By count and by time: a count that is made of the duration is too high where the rate varies.
        if self.frame_count is not None and max(self.frames_read, steps + 1) < self.frame_count - _COUNT_SLACK:
            self.ended_early = True
            _LOG.warning("%s ends in the middle: %d of %d frames", self.path, self.frames_read, self.frame_count)
        elif steps > _FEW and not 1 / _VARIES < (self.frames_read - 1) / steps < _VARIES:
            mean = (self.frames_read - 1) / self._latest_s
            _LOG.warning("%s varies in rate: it is played at %.4g FPS, its mean is %.4g", self.path, self.fps, mean)

    def _read(self) -> Pixels | None:
        found, frame = self._capture.read()
        if not found:
            return None
        self._latest_s = max(self._latest_s, self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8)

    def _rate(self) -> float:
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        return rate if math.isfinite(rate) and rate > 0 else _USUAL_FPS

    def _count(self) -> int | None:
        if self.path.suffix.lower() in _UNCOUNTED:
            return None
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        if self.path.suffix.lower() in _FROM_ZERO:
            count -= max(0.0, self._capture.get(_POSITION))
        return int(count) if math.isfinite(count) and count > 0 else None


def _check_name(path: Path) -> None:
    """OpenCV ends the whole process at a name that is no text."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise MediaError(f"the name of a video must be UTF-8, got {os.fsencode(path)!r}") from error
