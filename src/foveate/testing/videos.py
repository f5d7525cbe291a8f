"""Small clips whose content is known."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from foveate.codec import VideoWriter
from foveate.core import Pixels
from foveate.testing.detectors import COLORS

SIDE = 24
"""Of each square, pixels."""


def moving_squares(frames: int, size: tuple[int, int] = (128, 192), speed: int = 2) -> Iterator[Pixels]:
    """A square of each class of `FakeDetector` on grey; each moves `speed` pixels to the right per frame."""
    height, width = size
    for index in range(frames):
        pixels = np.full((height, width, 3), 128, np.uint8)
        for row, color in enumerate(COLORS.values()):
            left = (8 + 40 * row + speed * index) % (width - SIDE)
            top = 16 + row * height // 2
            pixels[top : top + SIDE, left : left + SIDE] = color
        yield pixels


def write_clip(path: Path, *, frames: int, fps: float = 30.0, size: tuple[int, int] = (128, 192)) -> Path:
    """Write `moving_squares` as a video file and return its path."""
    with VideoWriter(path, size, fps, crf=10) as writer:
        for pixels in moving_squares(frames, size):
            writer.write(pixels)
    return path
