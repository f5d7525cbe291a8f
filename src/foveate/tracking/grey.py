"""The reduced grey frames that motion and tracker share: made once per frame, at two sizes.

Grey first and then smaller is the cheap order: OpenCV turns 1080 x 1920 RGB into grey in 0.45 ms and averages grey
pixels in less than 0.1 ms, while averaging three channels or taking every second pixel costs more than both.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from foveate.core import InputError, Pixels, check_pixels

Grey = NDArray[np.uint8]
"""A grey picture: uint8 `(h, w)`."""

_SHORT_SIDE = 576
"""The tracker's frame is reduced by the least whole factor that makes its shorter side at most this, pixels."""
_MOTION_FACTOR = 2
"""The motion frame has this many times fewer rows and columns than the tracker's."""


@dataclass(frozen=True, kw_only=True, eq=False)
class GreyPair:
    """One frame in grey at the tracker's size and at the motion analyser's. Raises `InputError` on wrong arrays.

    Simulations make these once per video: the arrays may be rows of two memory-mapped stacks `(frames, h, w)`.
    """

    size: tuple[int, int]
    """`(height, width)` of the original frame, pixels."""
    tracking: Grey
    """For the tracker: uint8, as large as `tracking_size(size)` says."""
    motion: Grey
    """For the motion analyser: uint8, as large as `motion_size(size)` says."""

    def __post_init__(self) -> None:
        for name, wanted in (("tracking", tracking_size(self.size)), ("motion", motion_size(self.size))):
            array = getattr(self, name)
            if not isinstance(array, np.ndarray) or array.dtype != np.uint8 or array.shape != wanted:
                got = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
                raise InputError(f"the {name} frame of {self.size} must be uint8 {wanted}, got {got}")

    @property
    def scale(self) -> tuple[float, float]:
        """`(y, x)`: how many original pixels a pixel of `tracking` covers along each axis."""
        return self.size[0] / self.tracking.shape[0], self.size[1] / self.tracking.shape[1]


def reduce(pixels: Pixels) -> GreyPair:
    """RGB uint8 `(H, W, 3)` to grey at both sizes, by averaging. Raises `InputError` on anything else."""
    check_pixels(pixels)
    size = (pixels.shape[0], pixels.shape[1])
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    tracking = _averaged(grey, tracking_size(size))
    return GreyPair(size=size, tracking=tracking, motion=_averaged(tracking, motion_size(size)))


def tracking_size(size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of the tracker's frame: 540 x 960 of 1080p and of 4K, 360 x 640 of 720p, 480p as it is.

    Raises `InputError` unless height and width are at least 1.
    """
    if min(size) < 1:
        raise InputError(f"a frame has at least one row and one column, got {size}")
    return _divided(size, -(-min(size) // _SHORT_SIDE))


def motion_size(size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of the motion frame: half of the tracker's, so 270 x 480 of 1080p."""
    return _divided(tracking_size(size), _MOTION_FACTOR)


def _divided(size: tuple[int, int], factor: int) -> tuple[int, int]:
    return max(1, round(size[0] / factor)), max(1, round(size[1] / factor))


def _averaged(grey: Grey, size: tuple[int, int]) -> Grey:
    if grey.shape == size:
        return grey
    return np.asarray(cv2.resize(grey, (size[1], size[0]), interpolation=cv2.INTER_AREA), np.uint8)
