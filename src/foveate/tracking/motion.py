"""Region motion analyser: which regions move, by background subtraction (ViTMAlis, section IV-C)."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from foveate.core import InputError, RegionGrid
from foveate.tracking.grey import GreyPair, motion_size

_FOREGROUND = 255
"""What the subtractor writes for a moving pixel; shadows get 127 and do not count."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Motion:
    """What moves in one frame."""

    region_motion: NDArray[np.float32]
    """m_j: `(regions_h, regions_w)`, share of the frame's foreground pixels in each region.

    The shares add up to 1; all are 0 where the frame has no foreground.
    """
    frame_motion: float
    """m^f: foreground pixels over all pixels, 0..1."""


class MotionAnalyser:
    """Learns the background of a stream, pixel by pixel, and counts what differs from it in each region.

    A plain mixture of Gaussians (MOG2), as in the paper: it knows nothing of the camera's own motion, so what
    passes a moving camera is foreground too, and such regions without objects are the CMRs of section IV-C.
    The first frame has no foreground, since nothing came before it; in about four more OpenCV still takes most of what
    is new for shadow.

    `grid`: decision regions of the original frame. `history`: frames over which the background forms.
    `variance_threshold`: squared distance from a mode, in its variances, beyond which a pixel is foreground.
    `mixtures`: modes per pixel; OpenCV's 5 take 25 % longer and see less foreground under a moving camera.
    Raises `InputError` on a history or mixtures below 1, or a threshold that is not positive.
    """

    def __init__(
        self, grid: RegionGrid, *, history: int = 500, variance_threshold: float = 16.0, mixtures: int = 3
    ) -> None:
        if history < 1 or mixtures < 1 or not variance_threshold > 0:
            raise InputError(
                "history and mixtures must be at least 1 and variance_threshold above 0, "
                f"got {history}, {mixtures} and {variance_threshold}"
            )
        self._grid = grid
        self._subtractor = cv2.createBackgroundSubtractorMOG2(history, variance_threshold, detectShadows=True)
        self._subtractor.setNMixtures(mixtures)
        reduced = motion_size((grid.height, grid.width))
        self._rows = region_edges(grid.height, reduced[0], grid.region_pixels)
        self._columns = region_edges(grid.width, reduced[1], grid.region_pixels)
        self._has_background = False

    def update(self, grey: GreyPair) -> Motion:
        """Take in the next frame. Raises `InputError` if it is not of the grid's size."""
        if grey.size != (self._grid.height, self._grid.width):
            raise InputError(f"the grid is for {self._grid.height} x {self._grid.width}, got a frame of {grey.size}")
        foreground = self._subtractor.apply(grey.motion) == _FOREGROUND
        if not self._has_background:
            self._has_background = True
            foreground[:] = False
        return region_shares(foreground, self._rows, self._columns)


def region_edges(length: int, reduced: int, side: int) -> NDArray[np.int64]:
    """Where regions of `side` original pixels begin along an axis that was reduced from `length` to `reduced`.

    `(regions + 1,)`: region k holds the reduced pixels `edges[k]` to `edges[k + 1] - 1`, those whose centres lie in
    it; a sliver at the border may hold none.
    """
    edges = np.append(np.arange(0, length, side), length)
    # centre (i + 1/2) * length / reduced >= edge, in whole numbers
    return -((length - 2 * edges * reduced) // (2 * length))


def region_shares(foreground: NDArray[np.bool_], rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Motion:
    """Count a foreground mask `(h, w)` by regions with the edges `rows` and `columns`."""
    sums = np.asarray(cv2.integral(foreground.view(np.uint8)))
    counts = np.diff(np.diff(sums[np.ix_(rows, columns)], axis=0), axis=1)
    total = int(sums[-1, -1])
    shares = (counts / max(total, 1)).astype(np.float32)
    return Motion(region_motion=shares, frame_motion=total / foreground.size)
