"""Where the tokens of a batch lie, as the tables that the CUDA path looks things up in.

The CUDA path keeps the real tokens alone, `(n, C)`, frame by frame and in the order of their windows.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foveate.models.layout import BatchLayout, FrameLayout, frame_layout, map_index
from foveate.models.restore import upsamplings

KEYS = 64
"""Keys that a step of the kernel takes."""
QUERIES = 128
"""Queries that a program takes."""
Rows = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True, eq=False)
class KeyBlocks:
    """Real tokens of a frame in blocks of `KEYS` that lie in few rows and columns.

    Rows and columns are numbered as codes: patch rows, rows of low tokens, patch columns, columns of low tokens.
    """

    key: Rows
    """`(blocks * KEYS,)`: token of the frame, -1 where the block has none."""
    slots: Rows
    """`(blocks, slots)`: codes that the block's keys pick from."""
    picked_row: Rows
    """`(blocks * KEYS,)`: slot of the key's row."""
    picked_column: Rows
    """The same of its column."""


@lru_cache(maxsize=256)
def plain_blocks(layout: FrameLayout) -> KeyBlocks:
    """Tokens in their own order, for attention without relative positions."""
    count = layout.real_tokens
    key = np.full(-(-count // KEYS) * KEYS, -1, np.int32)
    key[:count] = np.arange(count)
    nothing = np.zeros_like(key)
    return KeyBlocks(
        key=key, slots=np.zeros((len(key) // KEYS, 16), np.int32), picked_row=nothing, picked_column=nothing
    )


@lru_cache(maxsize=256)
def banded_blocks(layout: FrameLayout) -> KeyBlocks:
    """Tokens by bands, a window wide: a block holds a few whole rows of one band."""
    grid, real = layout.grid, layout.real
    w, d, (rows, columns) = grid.window_size, grid.downsampling_factor, grid.patches
    most_slots = slot_count(w)
    scale = np.broadcast_to(layout.scale[:, None], real.shape)[real]
    row, column = layout.row[real], layout.column[real]
    low, band = scale > 1, column // (w * scale)
    offset = column // scale - band * w
    row_code = np.where(low, rows + row // d, row)
    column_code = rows + -(-rows // d) + np.where(low, columns + column // d, column)
    keys, slots, picked = [], [], []
    for number in np.unique(band * 2 + low):
        own = np.flatnonzero(band * 2 + low == number)
        width = int(offset[own].max()) + 1
        per_block = min(most_slots - width, KEYS // width)
        _, rank = np.unique(row_code[own], return_inverse=True)
        block, place = np.divmod(rank, per_block)
        count = int(block.max()) + 1
        at = block * KEYS + place * width + offset[own]
        key, pick = np.full(count * KEYS, -1, np.int32), np.zeros((2, count * KEYS), np.int32)
        key[at], pick[:, at] = own, (width + place, offset[own])
        slot = np.zeros((count, most_slots), np.int32)
        slot[block, offset[own]], slot[block, width + place] = column_code[own], row_code[own]
        keys.append(key)
        slots.append(slot)
        picked.append(pick)
    picked_row, picked_column = np.concatenate(picked, axis=1)
    return KeyBlocks(
        key=np.concatenate(keys), slots=np.concatenate(slots), picked_row=picked_row, picked_column=picked_column
    )


def slot_count(window_size: int) -> int:
    """Rows and columns that a block of keys may lie in: a power of two, at least 16, which matrix units want."""
    return 16 if window_size + KEYS // window_size <= 16 else 32


@lru_cache(maxsize=64)
def key_codes(layout: FrameLayout) -> Rows:
    """`(codes, 4)`: first patch, number of patches, where distance 0 lies among the products, and axis of each code."""
    parts, centre = [], 0
    d = layout.grid.downsampling_factor
    for axis, length in enumerate(layout.grid.patches):
        for step in (1, d):
            first = np.arange(0, length, step)
            covered = np.minimum(step, length - first)
            same = np.ones_like(first)
            parts.append(np.stack([first, covered, same * (centre + length - 1), same * axis], axis=1))
        centre += 2 * length - 1
    return np.concatenate(parts).astype(np.int32)


@lru_cache(maxsize=256)
def query_spans(layout: FrameLayout) -> Rows:
    """`(n, 4)`: first row, rows, first column and columns of the patches that each real token covers."""
    return np.stack([part for axis in (0, 1) for part in layout.spans(axis)], axis=1).astype(np.int32)


@lru_cache(maxsize=256)
def window_places(layout: FrameLayout) -> Rows:
    """`(windows * w * w,)`: number of each real token, -1 for the others."""
    real = layout.real.reshape(-1)
    return np.where(real, np.cumsum(real) - 1, -1).astype(np.int32)


class BatchTables:
    """Tables of a batch on its device. `relative`: with what relative positions need; then all frames are one size."""

    def __init__(self, batch: BatchLayout, *, relative: bool, queries: int = QUERIES) -> None:
        self.queries = queries
        self.frames, self.torch_device = batch.frames, batch.torch_device
        self.tokens = sum(layout.real_tokens for layout in batch.frames)
        starts = np.cumsum([0, *(layout.real_tokens for layout in batch.frames)])
        self.starts = [int(start) for start in starts]
        self.places = self._tensor(_numbered([window_places(layout) for layout in batch.frames], starts))
        self.real = self._tensor(np.flatnonzero(np.concatenate([layout.real.reshape(-1) for layout in batch.frames])))
        self.relative = relative
        self.spans = max(int(layout.scale.max()) for layout in batch.frames)
        keys = [(banded_blocks if relative else plain_blocks)(layout) for layout in batch.frames]
        key = _numbered([part.key for part in keys], starts)
        self.key = self._tensor(np.maximum(key, 0).astype(np.int64))
        self.barred = self._tensor(np.where(key < 0, -np.inf, 0).astype(np.float32))
        self.slots = self._tensor(np.concatenate([part.slots for part in keys]))
        self.picked_row = self._tensor(np.concatenate([part.picked_row for part in keys]))
        self.picked_column = self._tensor(np.concatenate([part.picked_column for part in keys]))
        self.blocks = self._tensor(_query_blocks(starts, [len(part.slots) for part in keys], queries))
        if relative:
            self.query_spans = self._tensor(np.concatenate([query_spans(layout) for layout in batch.frames]))
            self.key_codes = self._tensor(key_codes(batch.frames[0]))
            w = batch.frames[0].grid.window_size
            self.window_spans = self._tensor(_window_spans(batch.frames, w))
            self.window_codes = self._tensor(_window_codes(w))

    def _tensor(self, values: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.torch_device)


def _numbered(parts: list[Rows], starts: NDArray[np.int64]) -> Rows:
    """Numbers within frames -> numbers within the batch; -1 stays."""
    joined = [np.where(part < 0, -1, part + start) for part, start in zip(parts, starts[:-1], strict=True)]
    return np.concatenate(joined).astype(np.int32)


def _query_blocks(starts: NDArray[np.int64], key_blocks: list[int], queries: int) -> Rows:
    first_keys = np.cumsum([0, *key_blocks])
    blocks = [
        (query, stop, first, count)
        for start, stop, first, count in zip(starts[:-1], starts[1:], first_keys[:-1], key_blocks, strict=True)
        for query in range(int(start), int(stop), queries)
    ]
    return np.array(blocks, np.int32)


def _window_spans(frames: list[FrameLayout], w: int) -> Rows:
    """`query_spans` inside windows, which are blind to scale."""
    token = np.concatenate([np.nonzero(layout.real)[1] for layout in frames])
    one = np.ones_like(token)
    return np.stack([token // w, one, token % w, one], axis=1).astype(np.int32)


def _window_codes(w: int) -> Rows:
    """`key_codes` of the rows and columns of a window."""
    place, one = np.arange(w), np.ones(w, int)
    axes = [np.stack([place, one, one * (axis * (2 * w - 1) + w - 1), one * axis], axis=1) for axis in (0, 1)]
    return np.concatenate(axes).astype(np.int32)


def batch_tables(batch: BatchLayout, *, relative: bool) -> BatchTables:
    """The tables of a batch, kept while the same frames come again."""
    return _cached_tables(batch, relative)


@lru_cache(maxsize=64)
def _cached_tables(batch: BatchLayout, relative: bool) -> BatchTables:  # noqa: FBT001 - key of a cache
    with torch.inference_mode(mode=False):
        return BatchTables(batch, relative=relative)


@lru_cache(maxsize=64)
def restoration(
    frames: tuple[FrameLayout, ...], due: tuple[bool, ...], torch_device: torch.device
) -> tuple[Tensor, Tensor]:
    """The frames that are due at full resolution: each token a sum of 4, which `(n, 4)` and how much `(n, 4)`."""
    parts, start = [], 0
    for layout, now in zip(frames, due, strict=True):
        source, weight = _sources(layout) if now else _unchanged(layout.real_tokens)
        parts.append((source + start, weight))
        start += layout.real_tokens
    with torch.inference_mode(mode=False):
        sources, weights = (torch.from_numpy(np.concatenate(values)) for values in zip(*parts, strict=True))
        return sources.to(torch_device), weights.to(torch_device)


def _unchanged(count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    weight = np.zeros((count, 4), np.float32)
    weight[:, 0] = 1
    return np.repeat(np.arange(count)[:, None], 4, axis=1), weight


@lru_cache(maxsize=256)
def _sources(layout: FrameLayout) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """For each real token of the full layout: the tokens of `layout` that it mixes, and their weights."""
    full, area, per_region = frame_layout(layout.grid), layout.row.shape[1], layout.grid.downsampling_factor**2
    places = window_places(layout).reshape(-1, area)
    source = np.zeros((full.windows, area, 4), np.int64)
    weight = np.zeros((full.windows, area, 4), np.float32)
    region = full.kept_windows // per_region
    kept = np.isin(region, layout.full_regions)
    source[kept], weight[kept, :, 0] = places[: layout.full_windows, :, None], 1
    for low, weights in upsamplings(layout):
        best = np.argsort(-weights, axis=1, kind="stable")[:, :4]
        share = np.take_along_axis(weights, best, axis=1)
        own = np.flatnonzero(np.isin(region, layout.low_regions[low])).reshape(len(low), -1)
        source[own] = places[layout.full_windows + low][:, best].reshape(*own.shape, area, 4)
        weight[own] = share.reshape(own.shape[1], area, 4)
    real = full.real
    return np.maximum(source[real], 0), weight[real]


@lru_cache(maxsize=64)
def map_places(layout: FrameLayout, torch_device: torch.device) -> Tensor:
    """Number of the token of each patch of a full layout, raster order."""
    with torch.inference_mode(mode=False):
        return torch.from_numpy(window_places(layout)[map_index(layout.grid)].astype(np.int64)).to(torch_device)
