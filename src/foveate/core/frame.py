"""A camera frame."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foveate.core.errors import InputError

Pixels = NDArray[np.uint8]
"""An image: uint8 `(H, W, 3)`, RGB."""


def check_pixels(pixels: object) -> Pixels:
    """Return `pixels` if it is a non-empty uint8 RGB image `(H, W, 3)`; else raise `InputError`."""
    if not isinstance(pixels, np.ndarray):
        raise InputError(f"a frame must be a numpy array (H, W, 3) of uint8 RGB, got {type(pixels).__name__}")
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise InputError(f"a frame must be uint8 (H, W, 3) RGB, got {pixels.dtype} with shape {tuple(pixels.shape)}")
    if pixels.size == 0:
        raise InputError(f"a frame must hold at least one pixel, got shape {tuple(pixels.shape)}")
    return pixels


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """One frame of a camera or a clip. Raises `InputError` unless `pixels` is uint8 `(H, W, 3)`."""

    pixels: Pixels
    """RGB, uint8 `(H, W, 3)`."""
    index: int
    """Position in the stream, from 0; frames that were dropped keep their numbers."""
    captured_at: float
    """When the camera delivered it, seconds on the device's clock."""

    def __post_init__(self) -> None:
        check_pixels(self.pixels)

    @property
    def size(self) -> tuple[int, int]:
        """`(height, width)` in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]
