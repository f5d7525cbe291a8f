"""Grey frames of a clip on disk: the same for every policy, so made once and memory-mapped."""

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foveate.codec import VideoReader
from foveate.core import foveate_home
from foveate.core.whole_files import whole_file
from foveate.tracking import GreyPair, motion_size, reduce, tracking_size

Progress = Callable[[int], None]
"""Called with the number of frames that are done."""


class Greys:
    """Grey pairs by file position."""

    def __init__(self, size: tuple[int, int], tracking: NDArray[np.uint8], motion: NDArray[np.uint8]) -> None:
        self._size, self._tracking, self._motion = size, tracking, motion

    def __len__(self) -> int:
        return len(self._tracking)

    def __getitem__(self, position: int) -> GreyPair:
        return GreyPair(size=self._size, tracking=self._tracking[position], motion=self._motion[position])


def greys_of(video: Path, sha256: str, progress: Progress) -> Greys:
    """The grey frames of a clip, from `$FOVEATE_HOME/greys` or made now, by one process while others wait for it.

    Raises `MediaError` on a bad video, `FoveateError` where the disk refuses.
    """
    folder = foveate_home() / "greys"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{sha256[:24]}.lock").open("w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        return _greys(video, folder / sha256[:24], progress)


def _greys(video: Path, folder: Path, progress: Progress) -> Greys:
    paths = folder / "tracking.raw", folder / "motion.raw"
    with VideoReader(video) as reader:
        size = reader.size
        if not all(path.is_file() for path in paths):
            _make(reader, paths, progress)
    tracking, motion = (
        _mapped(path, reduced) for path, reduced in zip(paths, (tracking_size(size), motion_size(size)), strict=True)
    )
    progress(len(tracking))
    return Greys(size, tracking, motion)


def _mapped(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    return np.memmap(path, np.uint8, "r").reshape(-1, *size)


def _make(reader: VideoReader, paths: tuple[Path, Path], progress: Progress) -> None:
    folder = paths[0].parent
    shutil.rmtree(folder, ignore_errors=True)  # what a process that was killed left there
    folder.mkdir(parents=True, exist_ok=True)
    with (
        whole_file(paths[0]) as tracking_draft,
        whole_file(paths[1]) as motion_draft,
        tracking_draft.open("wb") as tracking,
        motion_draft.open("wb") as motion,
    ):
        for done, pixels in enumerate(reader, 1):
            pair = reduce(pixels)
            tracking.write(np.ascontiguousarray(pair.tracking).data)
            motion.write(np.ascontiguousarray(pair.motion).data)
            progress(done)
