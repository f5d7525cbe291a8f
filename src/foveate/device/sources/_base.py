"""The contract of everything that frames come from."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from foveate.core import InputError, Pixels

MOST_FPS = 1000.0


class FrameSource(ABC):
    """RGB frames of one size, in their order. Opening raises `MediaError` where there are none.

    One thread iterates; any thread may close, after which the iteration ends when it next could.
    """

    name: str
    """What messages call it; holds no password."""
    size: tuple[int, int]
    """`(height, width)`, pixels."""
    fps: float
    """Frames per second at which it is played."""
    live: bool = False
    """True for a camera: frames come at their own time, whether somebody takes them or not, and without a known end."""

    @abstractmethod
    def __iter__(self) -> Iterator[Pixels]:
        """The frames, uint8 `(*size, 3)`. Raises `MediaError` on one that cannot be read."""

    @abstractmethod
    def close(self) -> None:
        """Free what is held; a second call does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def checked_fps(fps: float) -> float:
    """`fps` if it is a frame rate; else raises `InputError`."""
    if not (math.isfinite(fps) and 0 < fps <= MOST_FPS):
        raise InputError(f"a frame rate must be above 0 and at most {MOST_FPS:g}, got {fps}")
    return fps


def checked_loop(loop: int) -> int:
    """`loop` if something can be played so often; else raises `InputError`."""
    if loop < 1:
        raise InputError(f"loop must be at least 1, got {loop}")
    return loop
