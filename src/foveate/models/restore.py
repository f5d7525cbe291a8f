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

from foveate.core import RegionGrid
from foveate.core.mixed import bilinear_matrix
from foveate.models.layout import FrameLayout, frame_layout


def restore_windows(tokens: Tensor, layout: FrameLayout) -> Tensor:
    """Tokens of mixed frames of one layout -> those of its full layout.

    `(frames, windows, w * w, C)` -> `(frames, full windows, w * w, C)`.
    """
    frames, _, area, dim = tokens.shape
    kept, low = torch.split(tokens, [layout.full_windows, len(layout.low_regions)], dim=1)
    d = layout.grid.downsampling_factor
    per_region = np.bincount(layout.kept_windows // d**2, minlength=len(layout.full_regions))
    runs = dict(zip(layout.full_regions, torch.split(kept, per_region.tolist(), dim=1), strict=True))
    for places, weights in upsamplings(layout):
        part = low if len(places) == low.shape[1] else low.index_select(1, torch.from_numpy(places).to(low.device))
        spread = torch.from_numpy(weights).to(low).expand(frames * len(places), -1, -1)
        children = torch.bmm(spread, part.flatten(0, 1)).reshape(frames, len(places), -1, area, dim)
        runs.update(zip(layout.low_regions[places], children.unbind(1), strict=True))
    return torch.cat([runs[region] for region in sorted(runs)], dim=1)


@lru_cache(maxsize=256)
def upsamplings(layout: FrameLayout) -> list[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Low windows that are upsampled alike, by their number among the low ones, and the weights of their children.

    Windows at the lower and right edge of a frame have fewer real tokens and fewer children.
    """
    w, d = layout.grid.window_size, layout.grid.downsampling_factor
    return [(np.array(places), window_weights(w, d, kind)) for kind, places in alike_windows(layout).items()]


def alike_windows(layout: FrameLayout) -> dict[tuple[int, ...], list[int]]:
    """Low windows, by their number among the low ones, under their kind: real rows, real columns, kept children."""
    kinds = _window_kinds(layout.grid)
    alike: dict[tuple[int, ...], list[int]] = {}
    for place, number in enumerate(layout.low_regions.tolist()):
        alike.setdefault(kinds[number], []).append(place)
    return alike


@lru_cache(maxsize=64)
def _window_kinds(grid: RegionGrid) -> list[tuple[int, ...]]:
    """The kind of each region, were it low."""
    region, child = np.divmod(frame_layout(grid).kept_windows, grid.downsampling_factor**2)
    extents = frame_layout(grid, np.ones(grid.shape, np.bool_)).low_extents()
    return [(*extent, *child[region == number].tolist()) for number, extent in enumerate(extents.tolist())]


@lru_cache(maxsize=256)
def window_weights(w: int, d: int, kind: tuple[int, ...]) -> NDArray[np.float32]:
    """`(children * w * w, w * w)`: how each token of the children of a window of this kind mixes its tokens."""
    rows, columns, *children = kind
    return _child_weights(w, d, rows, columns)[children].reshape(-1, w * w)


def _child_weights(w: int, d: int, real_rows: int, real_columns: int) -> NDArray[np.float32]:
    """`(d * d, w * w, w * w)`: how each token of each child mixes the tokens of its window."""
    rows, columns = (_axis_weights(w, d, n).reshape(d, w, w) for n in (real_rows, real_columns))
    weights: NDArray[np.float32] = np.einsum("aip,bjq->abijpq", rows, columns)
    return weights.reshape(d * d, w * w, w * w)


def _axis_weights(w: int, d: int, real: int) -> NDArray[np.float32]:
    """Bilinear weights `(w * d, w)` in which tokens from `real` on are replaced by the last real one."""
    weights = bilinear_matrix(w, d)
    weights[:, real - 1] += weights[:, real:].sum(axis=1)
    weights[:, real:] = 0
    return weights
