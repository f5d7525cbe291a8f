"""Which points of an object to follow: one in each cell of its box, where the picture has the best corner."""

import cv2
import numpy as np
from numpy.typing import NDArray

from foveate.tracking.flow import Points
from foveate.tracking.grey import Grey

ROWS, COLUMNS = 4, 3
"""Cells of a box."""
POINTS = ROWS * COLUMNS
"""Points per object."""

_ROW, _COLUMN = (axis.reshape(-1) for axis in np.indices((ROWS, COLUMNS)))


def seed(grey: Grey, box: NDArray[np.float64]) -> Points:
    """`(POINTS, 2)` points inside the xyxy `box` `(4,)`, pixels of the reduced frame `(h, w)`.

    One in each cell spreads them over the object, which a list of the frame's best corners does not. A box too small
    to have a whole pixel in every cell gets the cells' centres. The box must overlap the frame.
    """
    limits = np.array([grey.shape[1], grey.shape[0]] * 2, np.float64)
    left, top, right, bottom = np.clip(box, 0, limits).tolist()
    x, y = int(left), int(top)
    width, height = int((right - left) // COLUMNS), int((bottom - top) // ROWS)
    if width < 1 or height < 1:
        return _centres(left, top, right, bottom)
    cut = grey[y : y + ROWS * height, x : x + COLUMNS * width]
    down, across = np.divmod(_best_of_cells(cut, height, width), width)
    return np.stack([x + _COLUMN * width + across, y + _ROW * height + down], axis=1).astype(np.float32)


def _best_of_cells(cut: Grey, height: int, width: int) -> NDArray[np.int64]:
    """Flat position `(POINTS,)` in each cell of the pixel whose neighbourhood changes most in every direction."""
    corners = np.asarray(cv2.cornerMinEigenVal(np.ascontiguousarray(cut), blockSize=3))
    cells = corners.reshape(ROWS, height, COLUMNS, width).transpose(0, 2, 1, 3)
    return np.asarray(cells.reshape(POINTS, height * width).argmax(axis=1), np.int64)


def _centres(left: float, top: float, right: float, bottom: float) -> Points:
    x = left + (_COLUMN + 0.5) * (right - left) / COLUMNS
    y = top + (_ROW + 0.5) * (bottom - top) / ROWS
    return (np.stack([x, y], axis=1) - 0.5).astype(np.float32)
