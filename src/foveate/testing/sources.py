# ruff: noqa: D102  # the name of a test is its docstring
"""What every source of frames promises, and a camera made of nothing. Inherit, and open a source in `source`."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np

from foveate.core import Frame, ManualClock, Pixels, check_pixels
from foveate.device import FrameSource
from foveate.device.camera import DECODE_AHEAD, pace

PATIENCE_S = 10.0


class FakeCapture:
    """A `cv2.VideoCapture` whose reads are scripted: a frame, or None for one that fails; it fails after the last.

    `interval_s` passes before each read, as it does at a camera.
    """

    def __init__(
        self, script: Iterable[Pixels | None], *, fps: float = 30.0, frame_count: float = -1.0, interval_s: float = 0.0
    ) -> None:
        self.released = False
        """Whether it was let go."""
        self.wanted: dict[int, float] = {}
        """Properties that were set."""
        self._script = iter(script)
        self._interval_s = interval_s
        self._properties = {cv2.CAP_PROP_FPS: fps, cv2.CAP_PROP_FRAME_COUNT: frame_count}

    def isOpened(self) -> bool:  # noqa: N802  # OpenCV's name
        """Until it is released."""
        return not self.released

    def read(self) -> tuple[bool, Any]:
        """The next frame of the script, in BGR."""
        time.sleep(self._interval_s)
        pixels = None if self.released else next(self._script, None)
        return (False, None) if pixels is None else (True, pixels[..., ::-1].copy())

    def get(self, prop: int, /) -> float:
        """Rate and number of frames; 0 for everything else, as OpenCV says."""
        return self._properties.get(prop, 0.0)

    def set(self, prop: int, value: float, /) -> bool:
        """Keeps what was asked for."""
        self.wanted[prop] = value
        return True

    def release(self) -> None:
        """No more frames."""
        self.released = True


class SourceContract(ABC):
    """Tests that each source inherits."""

    @abstractmethod
    def source(self) -> FrameSource:
        """A fresh source of at least three frames."""

    def test_it_says_what_it_is_before_it_is_read(self) -> None:
        with self.source() as source:
            assert source.name
            assert source.fps > 0
            assert min(source.size) > 0
            assert isinstance(source.live, bool)

    def test_its_frames_are_rgb_of_its_size(self) -> None:
        with self.source() as source:
            for _, pixels in zip(range(3), source, strict=False):
                assert check_pixels(pixels).shape[:2] == source.size

    def test_it_closes_twice_read_or_not(self) -> None:
        for reads in (0, 1):
            source = self.source()
            for _ in zip(range(reads), source, strict=False):
                pass
            source.close()
            source.close()

    def test_paced_its_frames_come_at_its_rate_and_keep_their_numbers(self) -> None:
        clock, ready = ManualClock(100.0), threading.Semaphore(0)
        with self.source() as source:
            camera = pace(source, on_ready=ready.release, clock=clock)
            camera.open()
            camera.start(clock.now())
            taken: list[Frame] = []
            give_up_at = time.monotonic() + PATIENCE_S
            while len(taken) < 3 and not camera.ended and time.monotonic() < give_up_at:
                ready.acquire(timeout=0.01)
                clock.advance_to(camera.due_at or clock.now())
                frame = camera.take(clock.now())
                if frame is not None:
                    taken.append(frame)
            camera.close()
        assert len(taken) == 3
        first = taken[0].captured_at - taken[0].index / source.fps
        assert np.allclose([frame.captured_at for frame in taken], [first + f.index / source.fps for f in taken])
        assert [frame.index for frame in taken] == sorted({frame.index for frame in taken})

    def test_what_nobody_takes_never_piles_up(self) -> None:
        with self.source() as source:
            camera = pace(source, on_ready=lambda: None)
            camera.open()
            camera.start(0.0)
            time.sleep(0.1)
            assert camera.waiting <= DECODE_AHEAD
            camera.close()
