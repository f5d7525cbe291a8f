"""The work of a device that goes on while something else is measured: a camera at its rate, and what follows it."""

import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from foveate.codec import VideoReader
from foveate.core import Detections, RegionGrid
from foveate.tracking import MotionAnalyser, Tracker, reduce


class DeviceLoop:
    """Plays a clip over and over in a thread, at its own rate; frames that come too late are skipped.

    A context manager. The thread inherits the processor cores of the one that enters. `objects` (with their grid):
    motion is measured and these objects are tracked as well, anew from each start of the clip; None: frames are only
    decoded and reduced, as when motion and tracking are what is measured.
    """

    def __init__(self, video: Path, *, objects: tuple[Detections, RegionGrid] | None = None) -> None:
        self.frames = 0
        """How many were played."""
        self._video, self._objects = video, objects
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="device-loop", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._play()

    def _play(self) -> None:
        analyser = None if self._objects is None else MotionAnalyser(self._objects[1])
        tracker, started_at = Tracker(), time.monotonic()
        with VideoReader(self._video) as reader:
            for index, pixels in enumerate(reader):
                late_s = time.monotonic() - started_at - index / reader.fps
                if self._stop.wait(max(-late_s, 0.0)):
                    return
                grey = reduce(pixels)
                if self._objects is not None and analyser is not None:
                    analyser.update(grey)
                    if index == 0:
                        tracker.restart(self._objects[0], grey)
                    else:
                        tracker.advance(grey)
                self.frames += 1
