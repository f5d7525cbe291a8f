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
    kept, children = (torch.from_numpy(i).to(tokens.device) for i in _restored_places(layout, full))
    restored = tokens.new_empty(full.windows + 1, *tokens.shape[1:])
    restored.index_copy_(0, kept, tokens[: layout.full_windows])
    restored.index_copy_(0, children, _upsample_low(tokens[layout.full_windows :], layout).to(tokens.dtype))
    return restored[: full.windows]


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


def _restored_places(layout: FrameLayout, full: FrameLayout) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of the kept full windows and of all children in the full layout; one past its end = beyond the frame."""
    per_region = layout.grid.downsampling_factor**2
    place = np.full(len(full.full_regions) * per_region, full.windows, np.int64)
    place[full.kept_windows] = np.arange(full.windows)
    kept_region, kept_child = np.divmod(layout.kept_windows, per_region)
    kept = place[layout.full_regions[kept_region] * per_region + kept_child]
    return kept, place.reshape(-1, per_region)[layout.low_regions].reshape(-1)
