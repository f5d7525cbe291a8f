"""Displayed frames, drawn, as a video file; made beside the display, which never waits for the encoder."""

import logging
import queue
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from foveate.codec import VideoWriter
from foveate.device.drawing import draw
from foveate.device.events import Displayed
from foveate.device.outputs.status import status_line

_LOG = logging.getLogger(__name__)

MOST_WAITING = 8
"""Frames that wait for the encoder."""


class VideoSink:
    """Context manager that writes an H.264 MP4; call it with each displayed frame.

    Frames keep their place in time: over one that was dropped, or that the encoder had no time for, the picture stands
    still. However the block ends, the file is complete. Where the disk refuses, the file ends there, in one line of the
    log, and the picture goes on; leaving the block then raises what `VideoWriter` raised.
    """

    def __init__(self, path: str | Path, *, size: tuple[int, int], fps: float) -> None:
        self.left_out = 0
        """How many frames the encoder had no time or no room for."""
        self._writer = VideoWriter(path, size, fps, fragments=True)
        self._waiting: queue.Queue[Displayed | None] = queue.Queue(MOST_WAITING)
        self._first: int | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._write_all, name="video-sink", daemon=True)

    def __call__(self, event: Displayed) -> None:
        """Take a frame; returns at once."""
        if self._error is not None:
            self.left_out += 1
            return
        try:
            self._waiting.put_nowait(event)
        except queue.Full:
            self.left_out += 1

    def __enter__(self) -> Self:
        self._writer.__enter__()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join()
        # An error of the run is none of the file: what was shown until then is kept.
        mine = self._error
        self._writer.__exit__(None if mine is None else type(mine), mine, None)
        if mine is not None and kind is None:
            raise mine

    def _write_all(self) -> None:
        try:
            while (event := self._waiting.get()) is not None:
                self._write(event)
        except Exception as error:  # raised when the block is left
            _LOG.warning("%s; the video ends there, the picture goes on", error)
            self._error = error
            self._drain()

    def _write(self, event: Displayed) -> None:
        if self._first is None:
            self._first = event.frame.index
        picture = draw(event.frame.pixels, event.detections, status=status_line(event))
        self._writer.write(picture, event.frame.index - self._first)

    def _drain(self) -> None:
        """Make room, so that the end of the run can be told."""
        while self._waiting.get() is not None:
            pass
