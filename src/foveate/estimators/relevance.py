"""Task relevance for object detection: where the objects are (ViTMAlis, section IV-C)."""

import numpy as np
from numpy.typing import NDArray

from foveate.core import RegionGrid


def task_relevance(boxes: NDArray[np.float32], grid: RegionGrid) -> NDArray[np.float32]:
    """rho_j `(regions_h, regions_w)`: share of the xyxy `boxes` `(n, 4)` that overlap each region; 0 without boxes."""
    counts = np.zeros(grid.shape, np.float32)
    for box in boxes:
        counts += grid.overlapping(box[None])
    return (counts / max(len(boxes), 1)).astype(np.float32)
