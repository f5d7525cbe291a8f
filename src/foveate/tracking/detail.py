"""How fine a picture is, region by region: what a JPEG of it costs, before anybody has compressed it."""

import cv2
import numpy as np
from numpy.typing import NDArray

from foveate.core import RegionGrid
from foveate.tracking.grey import GreyPair
from foveate.tracking.motion import region_edges


def region_detail(grey: GreyPair, grid: RegionGrid) -> NDArray[np.float32]:
    """Mean absolute step to the right and lower neighbour in each region, float32 `(regions_h, regions_w)`.

    In grey levels, on the tracker's frame; a step belongs to the region of its left or upper pixel. A sliver at the
    border that holds no reduced pixel has no detail.
    """
    picture = grey.tracking
    rows = region_edges(grid.height, picture.shape[0], grid.region_pixels)
    columns = region_edges(grid.width, picture.shape[1], grid.region_pixels)
    across, down = picture.copy(), picture.copy()
    cv2.absdiff(picture[:, 1:], picture[:, :-1], dst=across[:, :-1])
    cv2.absdiff(picture[1:], picture[:-1], dst=down[:-1])
    across[:, -1], down[-1] = 0, 0
    sums = sum(np.asarray(cv2.integral(steps))[np.ix_(rows, columns)] for steps in (across, down))
    totals = np.diff(np.diff(sums, axis=0), axis=1)
    counts = np.outer(np.diff(rows), np.diff(columns))
    return np.asarray(totals / np.maximum(counts, 1), np.float32)
