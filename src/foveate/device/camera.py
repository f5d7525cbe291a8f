"""A video file played as a live camera: frames come when they are due, and nobody waits for the one who is late."""

import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from foveate.codec import VideoReader
from foveate.core import Frame, InputError, Pixels

DECODE_AHEAD = 4
"""Decoded frames that wait for their time."""


def played_frames(frame_count: int, loop: int) -> Iterator[int]:
    """File positions of a clip played `loop` times, alternately forward and backward, without a jump or a repeat."""
    for turn in range(loop):
        forward = range(frame_count) if turn == 0 else range(1, frame_count)
        yield from (index if turn % 2 == 0 else frame_count - 1 - index for index in forward)


class Clip:
    """The frames of a video file, in the order in which they are played; iterate it as often as needed.

    A clip that is played backward is first decoded whole to a scratch file (3 bytes per pixel, deleted on `close`).
    Raises `MediaError` if the file cannot be read, `InputError` if `loop` < 1.
    """

    def __init__(self, path: str | Path, *, loop: int = 1) -> None:
        if loop < 1:
            raise InputError(f"loop must be at least 1, got {loop}")
        self.path = Path(path)
        with VideoReader(path) as reader:
            self.size = reader.size
            """`(height, width)`, pixels."""
            self.fps = reader.fps
            """Frames per second."""
            self.file_frame_count = reader.frame_count
            """Frames in the file, as far as it says."""
            self._scratch = _Scratch(reader) if loop > 1 else None
        self.order = None if self._scratch is None else list(played_frames(len(self._scratch), loop))
        """File position of each played frame; None = the file from its start to its end."""
        self.frame_count = self.file_frame_count if self.order is None else len(self.order)
        """How many frames will be played, as far as the file says."""

    def file_position(self, index: int) -> int:
        """Which frame of the file is played as frame `index`."""
        return index if self.order is None else self.order[index]

    def __iter__(self) -> Iterator[Pixels]:
        if self._scratch is None or self.order is None:
            with VideoReader(self.path) as reader:
                yield from reader
        else:
            for position in self.order:
                yield self._scratch[position]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Delete the scratch file, if there is one."""
        if self._scratch is not None:
            self._scratch.close()


class _Scratch:
    """Raw frames in an unnamed file: any order at the price of a copy."""

    def __init__(self, frames: VideoReader) -> None:
        self._shape = (*frames.size, 3)
        self._file = tempfile.TemporaryFile(prefix="foveate-")  # noqa: SIM115  # lives as long as the clip
        self._count = 0
        for pixels in frames:
            self._file.write(np.ascontiguousarray(pixels).data)
            self._count += 1
        self._file.flush()

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, position: int) -> Pixels:
        size = int(np.prod(self._shape))
        view = np.memmap(self._file, np.uint8, "r", offset=position * size, shape=self._shape)
        return np.array(view)

    def close(self) -> None:
        self._file.close()


class ClipCamera:
    """Delivers the frames of a clip at the clip's own rate.

    A thread decodes a few frames ahead. A frame that is not taken before the next one is due is dropped and counted,
    as a camera would overwrite it.
    """

    def __init__(self, clip: Clip, *, on_ready: Callable[[], None]) -> None:
        self.interval_s = 1 / clip.fps
        """Between frames, seconds."""
        self.dropped_frames = 0
        """How many frames nobody took in time."""
        self._clip = clip
        self._on_ready = on_ready
        self._started_at: float | None = None
        self._index = 0
        self._decoded: deque[Pixels] = deque()
        self._done = False
        self._stopped = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._decode, name="camera", daemon=True)

    def open(self) -> None:
        """Begin to decode; returns when the first frames are there."""
        self._thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._done or len(self._decoded) >= DECODE_AHEAD)

    def start(self, now: float) -> None:
        """Frame 0 is captured now."""
        self._started_at = now

    @property
    def ended(self) -> bool:
        """True once every frame was taken or dropped. Raises what stopped the decoder, if anything did."""
        with self._changed:
            if self._error is not None:
                raise self._error
            return self._done and not self._decoded

    @property
    def due_at(self) -> float | None:
        """When the next decoded frame is captured; None if there is none (`on_ready` tells when)."""
        with self._changed:
            return self._captured_at(self._index) if self._decoded else None

    def take(self, now: float) -> Frame | None:
        """The frame that the camera holds now, if it was not taken yet."""
        with self._changed:
            while self._decoded and self._captured_at(self._index + 1) <= now:
                self._advance()
                self.dropped_frames += 1
            if not self._decoded or self._captured_at(self._index) > now:
                return None
            captured_at, index = self._captured_at(self._index), self._index
            return Frame(pixels=self._advance(), index=index, captured_at=captured_at)

    def close(self) -> None:
        """Stop decoding."""
        with self._changed:
            self._stopped = True
            self._decoded.clear()
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()

    def _captured_at(self, index: int) -> float:
        assert self._started_at is not None
        return self._started_at + index * self.interval_s

    def _advance(self) -> Pixels:
        self._index += 1
        self._changed.notify_all()
        return self._decoded.popleft()

    def _decode(self) -> None:
        try:
            for pixels in self._clip:
                with self._changed:
                    self._changed.wait_for(lambda: self._stopped or len(self._decoded) < DECODE_AHEAD)
                    if self._stopped:
                        return
                    self._decoded.append(pixels)
                    self._changed.notify_all()
                self._on_ready()
        except Exception as error:  # told to the loop, which raises it
            self._error = error
        finally:
            with self._changed:
                self._done = True
                self._changed.notify_all()
            self._on_ready()
