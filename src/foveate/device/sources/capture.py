"""A camera: whatever OpenCV opens as a device, a network stream or a GStreamer pipeline."""

import logging
import math
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import cv2
import numpy as np

from foveate.core import InputError, MediaError, Pixels
from foveate.device.sources._base import FrameSource, checked_fps

USUAL_FPS = 30.0
"""Where a camera does not say."""
STALL_S = 5.0
"""A network stream that delivers nothing for so long has stopped."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 8.0
"""Before a camera that stopped is opened again; doubles with each try."""

_LOG = logging.getLogger(__name__)
_RESERVED = frozenset("/?#")
"""End the host of a URL: a password that holds one cannot be read as such."""
_HIGHEST_COUNT = 10**8
"""OpenCV announces absurd numbers of frames for streams that have no end."""


class CaptureLike(Protocol):
    """What is used of `cv2.VideoCapture`."""

    def isOpened(self) -> bool:  # noqa: N802  # OpenCV's name
        """Whether there is a camera."""
        ...

    def read(self) -> tuple[bool, Any]:
        """Wait for the next frame: whether there is one, and its BGR pixels."""
        ...

    def get(self, prop: int, /) -> float:
        """A property."""
        ...

    def set(self, prop: int, value: float, /) -> bool:
        """Ask for a property."""
        ...

    def release(self) -> None:
        """Let the camera go."""
        ...


class Capture(FrameSource):
    """Frames of a camera. One that stops delivering is opened again and again until it is back.

    `connect` opens it; called anew for each try. Raises `MediaError` if it delivers nothing at the start or what are no
    8-bit pictures, or comes back with another size. A recording behind a URL says how many frames it has: it is not
    live and simply ends.
    """

    def __init__(self, name: str, connect: Callable[[], CaptureLike], *, fps: float | None = None) -> None:
        self.name = name
        self._connect, self._wanted_fps = connect, None if fps is None else checked_fps(fps)
        self._closed = threading.Event()
        self._turn = threading.Lock()
        self._capture = connect()
        first = self._begin()
        if first is None:
            raise MediaError(f"cannot open {name}: it delivers no frame")
        self._first = first
        self.size = first.shape[0], first.shape[1]
        self.fps = self._rate() if fps is None else fps
        self.live = not 0 < self._capture.get(cv2.CAP_PROP_FRAME_COUNT) < _HIGHEST_COUNT

    def __iter__(self) -> Iterator[Pixels]:
        with self._turn:  # while frames are read nobody else may release the camera
            pixels: Pixels | None = self._first
            try:
                while pixels is not None and not self._closed.is_set():
                    yield self._checked(pixels)
                    pixels = self._read()
                    if pixels is None and self.live:
                        pixels = self._reopened()
            finally:
                self._capture.release()

    def close(self) -> None:
        """Let the camera go: at once, or when the read that is under way is done."""
        self._closed.set()
        if self._turn.acquire(blocking=False):
            self._capture.release()
            self._turn.release()

    def _begin(self) -> Pixels | None:
        """The first frame of a capture that was just made; None if there is none, and the capture is released."""
        first = None
        if self._capture.isOpened():
            if self._wanted_fps is not None:
                self._capture.set(cv2.CAP_PROP_FPS, self._wanted_fps)
            first = self._read()
        if first is None:
            self._capture.release()
        return first

    def _reopened(self) -> Pixels | None:
        """The first frame after the camera was found again; None if the source was closed meanwhile."""
        _LOG.warning("%s delivers no frames any more; looking for it", self.name)
        self._capture.release()
        wait_s = FIRST_WAIT_S
        while not self._closed.wait(wait_s):
            self._capture = self._connect()
            pixels = self._begin()
            if pixels is not None:
                _LOG.warning("%s delivers frames again", self.name)
                return pixels
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
        return None

    def _read(self) -> Pixels | None:
        found, frame = self._capture.read()
        if not found or frame is None or not frame.size:
            return None
        if frame.dtype != np.uint8 or frame.shape[2:] not in {(), (1,), (3,), (4,)}:
            self._capture.release()
            raise MediaError(
                f"{self.name} delivers {frame.dtype} of shape {frame.shape}, needed are 8 bits in 1, 3 or 4 channels"
            )
        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8)

    def _checked(self, pixels: Pixels) -> Pixels:
        if pixels.shape[:2] != self.size:
            raise MediaError(f"{self.name} came back with frames of {pixels.shape[:2]}, they were {self.size}")
        return pixels

    def _rate(self) -> float:
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        return rate if math.isfinite(rate) and 1 <= rate <= 240 else USUAL_FPS


def open_device(index: int, *, fps: float | None = None) -> Capture:
    """Camera number `index` of this machine."""

    def connect() -> CaptureLike:
        capture = _video_capture(index, cv2.CAP_ANY)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # an old frame is worth nothing; not every driver obeys
        return capture

    return Capture(f"camera {index}", connect, fps=fps)


def open_url(url: str, *, fps: float | None = None) -> Capture:
    """A stream (RTSP, HTTP, ...) or a recording behind a URL."""
    patience = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, round(1000 * STALL_S), cv2.CAP_PROP_READ_TIMEOUT_MSEC]
    patience.append(round(1000 * STALL_S))
    try:
        return Capture(_without_password(url), lambda: _video_capture(url, cv2.CAP_FFMPEG, patience), fps=fps)
    except MediaError as error:
        if _RESERVED.isdisjoint(_credentials(url)):
            raise
        raise MediaError(f"{error}; in a user name or password / ? # are written %2F %3F %23") from error


def open_pipeline(pipeline: str, *, fps: float | None = None) -> Capture:
    """A GStreamer pipeline that ends in `appsink`. Raises `InputError` where OpenCV was built without GStreamer."""
    if not cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER):
        raise InputError(
            "a GStreamer pipeline needs an OpenCV that was built with GStreamer; the wheels of PyPI are not, "
            "python3-opencv of Debian is"
        )
    return Capture("the pipeline", lambda: _video_capture(pipeline, cv2.CAP_GSTREAMER), fps=fps)


def _video_capture(target: int | str, *more: Any) -> CaptureLike:
    """What cannot be opened is reported once, by us: OpenCV and FFmpeg would print lines of their own as well."""
    try:
        str(target).encode()
    except UnicodeEncodeError as error:  # at which OpenCV ends the whole process
        raise InputError(f"the name of a camera must be UTF-8, got {os.fsencode(str(target))!r}") from error
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        capture: CaptureLike = cv2.VideoCapture(target, *more)
    finally:
        cv2.utils.logging.setLogLevel(level)
    return capture


def _credentials(url: str) -> str:
    """All that may be a user name and password, however badly written: what is too much hides no secret."""
    return url.partition("://")[2].rpartition("@")[0]


def _without_password(url: str) -> str:
    scheme, mark, rest = url.partition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"
