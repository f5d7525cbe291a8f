"""What a clip shall be, and the folder beside it in which its finished segments wait for the others."""

import fcntl
import json
import math
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from foveate.world.coco import VERSION
from foveate.world.errors import OrderError, WorldError
from foveate.world.files import write_text
from foveate.world.splits import STILLS_SEED

LEAST_SIDE, GREATEST_SIDE = 32, 8192
_SEGMENT, _LARGE_SEGMENT, _LARGE = 60, 30, 4_000_000
"""Frames of a segment, and of one whose frames have more pixels than this: what a cut loses is minutes of work."""


@dataclass(frozen=True, kw_only=True)
class ClipOrder:
    """What a clip shall be. Raises `OrderError` where a number makes no sense."""

    scenario: str
    seconds: float
    size: tuple[int, int]
    """`(height, width)`, both even."""
    seed: int
    fps: int
    crf: int
    """Constant rate factor of x264: 0 lossless, 18 visually lossless, 51 worst."""
    unseen: bool = False
    """Of the object families and textures that no training picture shows."""

    def __post_init__(self) -> None:
        height, width = self.size
        if not all(LEAST_SIDE <= side <= GREATEST_SIDE and side % 2 == 0 for side in self.size):
            raise OrderError(
                f"a clip needs an even height and width of {LEAST_SIDE} to {GREATEST_SIDE} pixels, got {height}x{width}"
            )
        if not (math.isfinite(self.seconds) and self.seconds > 0 and 1 <= self.fps <= 240 and 0 <= self.crf <= 51):
            raise OrderError(
                f"a clip needs seconds > 0, fps in 1..240 and crf in 0..51, got {self.seconds}, {self.fps}, {self.crf}"
            )
        if not 0 <= self.seed < STILLS_SEED:
            raise OrderError(
                f"the seed of a clip must be in 0..{STILLS_SEED - 1} (above lie the stills), got {self.seed}"
            )

    @property
    def frames(self) -> int:
        """How many frames that makes, at least one."""
        return max(1, round(self.seconds * self.fps))

    @property
    def segments(self) -> Sequence[range]:
        """Numbers of the frames of each segment, whoever renders it."""
        step = _LARGE_SEGMENT if self.size[0] * self.size[1] > _LARGE else _SEGMENT
        return [range(first, min(first + step, self.frames)) for first in range(0, self.frames, step)]

    def describe(self) -> str:
        """The line by which a folder of segments is known: another line, other pictures."""
        return json.dumps({"world_version": VERSION, **asdict(self)}, sort_keys=True) + "\n"


@dataclass(frozen=True, kw_only=True)
class Folder:
    """The finished segments of a clip."""

    path: Path

    @property
    def _mark(self) -> Path:
        return self.path / "order.json"

    def video(self, segment: int) -> Path:
        """Pictures of a segment."""
        return self.path / f"{segment:06d}.mp4"

    def truth(self, segment: int) -> Path:
        """Truth of a segment; where it lies the segment is finished."""
        return self.path / f"{segment:06d}.json"

    def finish(self, segment: int, frames: list[list[dict[str, Any]]]) -> None:
        """Leaves the annotations of each frame of a segment whose video lies there."""
        write_text(self.truth(segment), json.dumps(frames))

    def frames(self, segment: int) -> list[list[dict[str, Any]]]:
        """Annotations of each frame of a finished segment."""
        content: list[list[dict[str, Any]]] = json.loads(self.truth(segment).read_text(encoding="utf-8"))
        return content

    def is_done(self, segment: int) -> bool:
        """Whether a segment needs no rendering."""
        return self.truth(segment).exists() and self.video(segment).exists()

    @contextmanager
    def claimed(self, order: ClipOrder) -> Iterator[None]:
        """Keeps the folder for one run of `order`; removed when the block ends well, else kept to go on from.

        Raises `OrderError` when another order lies there, `WorldError` while another process is at work on it.
        """
        # A file that took the mark's place would not be the one that is locked.
        if not self._mark.exists():
            write_text(self._mark, order.describe())
        self._check(order)
        with self._mark.open(encoding="utf-8") as mark:
            try:
                fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise WorldError(f"another process is rendering into {self.path}") from error
            yield
            shutil.rmtree(self.path, ignore_errors=True)

    def _check(self, order: ClipOrder) -> None:
        found = self._mark.read_text(encoding="utf-8")
        if found != order.describe():
            raise OrderError(
                f"{self.path} holds an unfinished run of another clip, to be finished or removed first: {found.strip()}"
            )
