"""Restoration: low-resolution windows become the d x d windows of a full-resolution region.

ViTMAlis, section III-B: between the last window block and the global block of a subset, without parameters.
Each window is upsampled on its own (bilinear, half-pixel centres); tokens beyond the frame take no part: the last
real row and column are repeated instead.
"""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foveate.core.mixed import bilinear_matrix
from foveate.models.layout import FrameLayout, frame_layout


def restore_windows(tokens: Tensor, layout: FrameLayout) -> Tensor:
    """Tokens of one mixed frame `(windows, w * w, C)` -> those of its full layout, in the full layout's order."""
    full = frame_layout(layout.grid)
    children = _upsample_low(tokens[layout.full_windows :], layout)
    order = torch.from_numpy(_restored_order(layout, full)).to(tokens.device)
    return torch.cat([tokens[: layout.full_windows], children]).index_select(0, order)


def _upsample_low(low: Tensor, layout: FrameLayout) -> Tensor:
    """`(n, w * w, C)` -> `(n * d * d, w * w, C)`."""
    w, d = layout.grid.window_size, layout.grid.downsampling_factor
    extents = layout.low_extents()
    children = low.new_empty(len(low), d * d * w * w, low.shape[2])
    for extent in np.unique(extents, axis=0):
        which = np.flatnonzero((extents == extent).all(axis=1))
        matrix = torch.from_numpy(_child_weights(w, d, int(extent[0]), int(extent[1]))).to(low)
        if len(which) == len(low):
            children = matrix @ low
        else:
            index = torch.from_numpy(which).to(low.device)
            children = children.index_copy(0, index, matrix @ low[index])
    return children.reshape(len(low) * d * d, w * w, low.shape[2])


@lru_cache(maxsize=128)
def _child_weights(w: int, d: int, real_rows: int, real_columns: int) -> NDArray[np.float32]:
    """`(d * d * w * w, w * w)`: how each child token mixes its window's tokens, children window by window."""
    rows, columns = (_axis_weights(w, d, n).reshape(d, w, w) for n in (real_rows, real_columns))
    weights = np.einsum("aip,bjq->abijpq", rows, columns)
    return np.ascontiguousarray(weights.reshape(d * d * w * w, w * w))


def _axis_weights(w: int, d: int, real: int) -> NDArray[np.float32]:
    """Bilinear weights `(w * d, w)` in which tokens from `real` on are replaced by the last real one."""
    weights = bilinear_matrix(w, d)
    weights[:, real - 1] += weights[:, real:].sum(axis=1)
    weights[:, real:] = 0
    return weights


def _restored_order(layout: FrameLayout, full: FrameLayout) -> NDArray[np.int64]:
    """For each window of the full layout: its place among kept full windows followed by all children."""
    per_region = layout.grid.downsampling_factor**2
    place = np.empty(len(full.full_regions) * per_region, np.int64)
    kept_region, kept_child = np.divmod(layout.kept_windows, per_region)
    place[layout.full_regions[kept_region] * per_region + kept_child] = np.arange(layout.full_windows)
    children = layout.low_regions[:, None] * per_region + np.arange(per_region)
    place[children.reshape(-1)] = layout.full_windows + np.arange(children.size)
    return place[full.kept_windows]
