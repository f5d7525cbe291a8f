"""A video file."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from foveate.codec import VideoReader
from foveate.core import Pixels
from foveate.device.sources._base import FrameSource, checked_fps, checked_loop


def played_frames(frame_count: int, loop: int) -> Iterator[int]:
    """File positions of a clip played `loop` times, alternately forward and backward, without a jump or a repeat."""
    for turn in range(loop):
        forward = range(frame_count) if turn == 0 else range(1, frame_count)
        yield from (index if turn % 2 == 0 else frame_count - 1 - index for index in forward)


class Clip(FrameSource):
    """The frames of a video file, in the order in which they are played; iterate it as often as needed.

    A clip that is played backward is first decoded whole to a scratch file (3 bytes per pixel, deleted on `close`).
    `fps`: the rate at which it is played, in place of its own. Raises `MediaError` if the file cannot be read,
    `InputError` if `loop` < 1.
    """

    def __init__(self, path: str | Path, *, loop: int = 1, fps: float | None = None) -> None:
        checked_loop(loop)
        self.path = Path(path)
        self.name = str(path)
        with VideoReader(path) as reader:
            self.size = reader.size
            self.fps = reader.fps if fps is None else checked_fps(fps)
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
