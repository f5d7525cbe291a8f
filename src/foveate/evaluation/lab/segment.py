"""The part of a clip that a cell plays, and its frames in any order."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from foveate.codec import VideoReader
from foveate.core import InputError, Pixels
from foveate.device import Clip

KEPT_BYTES = 2**28
"""Of frames that are played backward: 97 of 720p, 43 of 1080p, 10 of 4K."""


def played_positions(available: int, wanted: int) -> list[int]:
    """File positions of `wanted` frames of a clip of `available`, forward and backward without a jump or a repeat."""
    if available < 1:
        raise InputError(f"a clip to play needs at least 1 frame, got {available}")
    if available == 1:
        return [0] * wanted
    period = 2 * (available - 1)
    return [min(index % period, period - index % period) for index in range(wanted)]


class Segment(Clip):
    """A clip of a given length made of the first frames of a file, without a decoded copy on disk.

    `frames`: how many of the file can be decoded; None = nobody knows, and they are counted as far as they are needed.
    """

    def __init__(self, path: str | Path, *, frames: int | None = None, seconds: float) -> None:
        self.path = Path(path)
        self.name = str(path)
        with VideoReader(path) as reader:
            self.size, self.fps = reader.size, reader.fps
            self.file_frame_count = reader.frame_count
            wanted = max(1, round(seconds * self.fps))
            available = sum(1 for _ in islice(reader, wanted)) if frames is None else frames
        self.order: list[int] | None = played_positions(available, wanted)
        self.frame_count = len(self.order)
        self._scratch = None

    def __iter__(self) -> Iterator[Pixels]:
        with FramesByPosition(self.path) as frames:
            for index in range(len(self.order or ())):
                yield frames.at(self.file_position(index))


class FramesByPosition:
    """Frames of a file by position: fast in rising order, from the file's start again where it falls.

    On that way the last frames before the wanted one are kept, for a clip that is played backward wants them next.
    `kept_bytes`: how much memory they may take. Seeking is left alone: what it lands on depends on the container.
    """

    def __init__(self, path: Path, *, kept_bytes: int = KEPT_BYTES) -> None:
        self._path, self._kept_bytes = path, kept_bytes
        self._reader: VideoReader | None = None
        self._next = 0
        self._kept: dict[int, Pixels] = {}

    def at(self, position: int) -> Pixels:
        """The frame, not to be written to; raises `InputError` if the file has none there."""
        if position not in self._kept:
            self._read_to(position)
        return self._kept[position]

    def _read_to(self, position: int) -> None:
        falls = position < self._next
        if self._reader is None or falls:
            self.close()
            self._reader, self._next = VideoReader(self._path), 0
        self._kept = {}
        height, width = self._reader.size
        first = position - max(self._kept_bytes // (3 * height * width), 1) + 1 if falls else position
        while self._next <= position:
            frame = next(self._reader, None)
            if frame is None:
                raise InputError(f"{self._path} has no frame {position}")
            if self._next >= first:
                self._kept[self._next] = frame
            self._next += 1

    def close(self) -> None:
        """Let go of the file."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        self._kept = {}

    def __enter__(self) -> "FramesByPosition":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
