"""Restoration on the CUDA path: each token of the full frame as a weighted sum of four tokens of the mixed one."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from foveate.core import RegionGrid
from foveate.models.cuda_keys import Rows
from foveate.models.cuda_tables import TOKENS, Arrays, made_up, token_starts, window_places
from foveate.models.layout import FrameLayout, frame_layout
from foveate.models.restore import alike_windows, window_weights


def restoration_tables(frames: Sequence[FrameLayout], due: Sequence[bool]) -> Arrays:
    """The frames that are due at full resolution: each token a sum of 4, which `(n, 4)` and how much `(n, 4)`."""
    parts = []
    for layout, now, start in zip(frames, due, token_starts(frames).tolist(), strict=False):
        source, weight = _sources(layout) if now else _unchanged(layout.real_tokens)
        parts.append((source + start, weight))
    sources, weights = (made_up(np.concatenate(values), TOKENS) for values in zip(*parts, strict=True))
    return {"sources": sources, "weights": weights}


def _unchanged(count: int) -> tuple[Rows, NDArray[np.float32]]:
    weight = np.zeros((count, 4), np.float32)
    weight[:, 0] = 1
    return np.repeat(np.arange(count, dtype=np.int32)[:, None], 4, axis=1), weight


@lru_cache(maxsize=256)
def _sources(layout: FrameLayout) -> tuple[Rows, NDArray[np.float32]]:
    """For each real token of the full layout: the tokens of `layout` that it mixes, and their weights."""
    region, best, share = _mixtures(layout.grid)
    window = np.full(len(layout.grid), -1)  # of each low region
    window[layout.low_regions] = layout.full_windows + np.arange(len(layout.low_regions))
    own, weight = window[region], share.copy()
    source = window_places(layout).take(own[:, None] * layout.row.shape[1] + best, mode="clip")
    np.maximum(source, 0, out=source)
    kept = np.flatnonzero(own < 0)  # they come first in `layout`, in this order
    source[kept], weight[kept] = np.arange(len(kept))[:, None], (1, 0, 0, 0)
    return source, weight


@lru_cache(maxsize=64)
def _mixtures(grid: RegionGrid) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """For each real token of the full layout: its region `(n,)`; were that low, the four tokens of its window `(n, 4)`
    that it mixes, and their weights.
    """
    full, area, per_region = frame_layout(grid), grid.window_size**2, grid.downsampling_factor**2
    region = full.kept_windows // per_region
    best = np.zeros((full.windows, area, 4), np.int64)
    share = np.zeros((full.windows, area, 4), np.float32)
    for kind, alike in alike_windows(frame_layout(grid, np.ones(grid.shape, np.bool_))).items():
        windows = np.flatnonzero(np.isin(region, alike))
        which, weights = _best(grid.window_size, grid.downsampling_factor, kind)
        best[windows] = np.tile(which.reshape(-1, area, 4), (len(alike), 1, 1))
        share[windows] = np.tile(weights.reshape(-1, area, 4), (len(alike), 1, 1))
    real = full.real
    return np.repeat(region, real.sum(axis=1)), best[real], share[real]


@lru_cache(maxsize=256)
def _best(w: int, d: int, kind: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The four tokens of its window that each token of a restored window mixes, and their weights."""
    weights = window_weights(w, d, kind)
    best = np.argsort(-weights, axis=1, kind="stable")[:, :4]
    return best, np.take_along_axis(weights, best, axis=1)
