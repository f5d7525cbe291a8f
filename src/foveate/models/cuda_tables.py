"""Where the tokens of a batch lie, as the tables that the CUDA path looks things up in.

The CUDA path keeps the real tokens alone, `(n, C)`, frame by frame and in the order of their windows. Tables are made
up to multiples of the sizes below, so that batches of other masks often have tables of the same sizes and a graph
made for one serves the other. Nothing refers to the tokens beyond the real ones; what stands there does not matter.
"""

import itertools
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.core import RegionGrid
from foveate.models.cuda_keys import KEYS, FrameLaunch, Rows, cell_blocks, plain_blocks, query_spans
from foveate.models.layout import FrameLayout, map_index

TOKENS = 128
"""Tokens come in multiples of it: what a matrix product takes at a time anyway."""
WINDOWS, KEY_BLOCKS, CODES = 16, 16, 64
"""So do windows, blocks of keys, and codes of a frame."""
PIECE = 16
"""Tokens that a program of `gather_codes` takes."""

Arrays = dict[str, NDArray[Any]]


def room_for(count: int, step: int) -> int:
    """The least multiple of `step` that holds `count`."""
    return -(-count // step) * step


def token_starts(frames: Sequence[FrameLayout]) -> NDArray[np.int64]:
    """First real token of each frame, and one past the last of all."""
    return np.cumsum([0, *(layout.real_tokens for layout in frames)])


@lru_cache(maxsize=256)
def window_places(layout: FrameLayout) -> Rows:
    """`(windows * w * w,)`: number of each real token, -1 for the others."""
    real = layout.real.reshape(-1)
    return np.where(real, np.cumsum(real) - 1, -1).astype(np.int32)


@lru_cache(maxsize=64)
def map_places(layout: FrameLayout) -> Rows:
    """Number of the token of each patch of a full layout, raster order."""
    return window_places(layout)[map_index(layout.grid)]


def embedding_tables(frames: Sequence[FrameLayout]) -> Arrays:
    """How tiles become tokens: regions of the tiles, and for each token where its vector and its position stand.

    Vectors: all of the full tiles, then all of the low ones, each tile in raster order. Regions and positions of
    grids (`distinct_grids`) one after the other, positions as `raster_positions` has them.
    """
    grids = distinct_grids(frames)
    region_starts = np.cumsum([0, *(len(grid) for grid in grids)])
    position_starts = np.cumsum([0, *(_positions(grid) for grid in grids)])
    area = frames[0].grid.region_size ** 2
    full = low = 0
    all_full = sum(len(layout.full_regions) for layout in frames) * area
    regions: tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]] = ([], [])
    vectors, positions = [], []
    for layout in frames:
        number = grids.index(layout.grid)
        for found, of in zip(regions, (layout.full_regions, layout.low_regions), strict=True):
            found.append(of + region_starts[number])
        vector, position, fine = _embedding(layout)
        vectors.append(vector + np.where(fine, full * area, all_full + low * layout.row.shape[1]))
        positions.append(position + position_starts[number])
        full, low = full + len(layout.full_regions), low + len(layout.low_regions)
    return {
        "full_regions": np.concatenate(regions[0]),
        "low_regions": np.concatenate(regions[1]),
        "vectors": made_up(np.concatenate(vectors), TOKENS),
        "positions": made_up(np.concatenate(positions), TOKENS),
    }


def distinct_grids(frames: Sequence[FrameLayout]) -> tuple[RegionGrid, ...]:
    """The grids of these frames, each once."""
    return tuple(dict.fromkeys(layout.grid for layout in frames))


def _positions(grid: RegionGrid) -> int:
    rows, columns = grid.patches
    d = grid.downsampling_factor
    return rows * columns + -(-rows // d) * -(-columns // d)


@lru_cache(maxsize=256)
def _embedding(layout: FrameLayout) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Of each real token: its vector among those of the frame's full or low tiles, its position, and whether it is of
    full resolution.
    """
    grid, real = layout.grid, layout.real
    (rows, columns), side = grid.patches, grid.region_size
    row, column = layout.row[real], layout.column[real]
    scale = np.broadcast_to(layout.scale[:, None], real.shape)[real]
    region = row // side * grid.shape[1] + column // side
    order = np.empty(len(grid), np.int64)  # of a region among those of its resolution
    for regions in (layout.full_regions, layout.low_regions):
        order[regions] = np.arange(len(regions))
    wide = side // scale
    vector = order[region] * wide**2 + row % side // scale * wide + column % side // scale
    low = rows * columns + row // scale * -(-columns // scale) + column // scale
    return vector, np.where(scale == 1, row * columns + column, low), scale == 1


@lru_cache(maxsize=64)
def stage_tables(frames: tuple[FrameLayout, ...], launch: FrameLaunch) -> Arrays:
    """Tables of blocks over these frames, kept: those of full resolution come again with every mask.

    Where positions are relative, frames are one size.
    """
    starts, area = token_starts(frames), frames[0].row.shape[1]
    places = _numbered([window_places(layout) for layout in frames], starts)
    values, counts = (_cell_keys if launch.relative else _plain_keys)(frames, starts)
    queries = room_for(int(starts[-1]), TOKENS) // launch.queries + len(frames)
    values["places"] = made_up(places, WINDOWS * area, -1)
    values["blocks"] = _rows(_query_blocks(starts, counts, launch.queries), queries)
    return values


def _plain_keys(frames: Sequence[FrameLayout], starts: NDArray[np.int64]) -> tuple[Arrays, list[int]]:
    """Blocks of keys in the order of tokens, and how many each frame has."""
    parts = [plain_blocks(layout) for layout in frames]
    key = _numbered(parts, starts)
    barred = np.where(key < 0, -np.inf, 0).astype(np.float32)
    values: Arrays = {"key": _keys(key), "barred": made_up(barred, KEY_BLOCKS * KEYS)}
    return values, [len(part) // KEYS for part in parts]


def _cell_keys(frames: Sequence[FrameLayout], starts: NDArray[np.int64]) -> tuple[Arrays, list[int]]:
    """Blocks of keys as cells with what their positions need, and how many each frame has."""
    cells = [cell_blocks(layout) for layout in frames]
    codes = np.zeros((len(cells), room_for(max(len(part.codes) for part in cells), CODES), 4), np.int32)
    for table, part in zip(codes, cells, strict=True):
        table[: len(part.codes)] = part.codes
    values: Arrays = {
        "key": _keys(_numbered([part.key for part in cells], starts)),
        "groups": made_up(np.concatenate([part.groups for part in cells]), KEY_BLOCKS),
        "key_codes": codes,
        "query_spans": made_up(np.concatenate([query_spans(layout) for layout in frames]), TOKENS),
        "pieces": _pieces(starts),
    }
    return values, [len(part.groups) for part in cells]


def _keys(key: Rows) -> Rows:
    """Any token where there is none: what it adds counts for nothing."""
    return made_up(np.maximum(key, 0), KEY_BLOCKS * KEYS)


def made_up(values: NDArray[Any], step: int, by: float = 0) -> NDArray[Any]:
    """Rows of `by` added up to a multiple of `step`."""
    return _rows(values, room_for(len(values), step), by)


def _rows(values: NDArray[Any], count: int, by: float = 0) -> NDArray[Any]:
    out = np.full((count, *values.shape[1:]), by, values.dtype)
    out[: len(values)] = values
    return out


def _pieces(starts: NDArray[np.int64]) -> Rows:
    """`(n, 3)`: first token, one past the last of its frame, and frame; none where all three are 0."""
    parts = [
        np.stack(np.broadcast_arrays(np.arange(start, stop, PIECE), stop, number), axis=1)
        for number, (start, stop) in enumerate(itertools.pairwise(starts))
    ]
    room = room_for(int(starts[-1]), TOKENS) // PIECE + len(parts)
    return _rows(np.concatenate(parts).astype(np.int32), room)


def _numbered(parts: list[Rows], starts: NDArray[np.int64]) -> Rows:
    """Numbers within frames -> numbers within the batch; -1 stays."""
    joined = [np.where(part < 0, -1, part + start) for part, start in zip(parts, starts[:-1], strict=True)]
    return np.concatenate(joined).astype(np.int32)


def _query_blocks(starts: NDArray[np.int64], key_blocks: list[int], queries: int) -> Rows:
    """`(n, 4)`: first query, one past the frame's last, its first block of keys, and how many."""
    first_keys = np.cumsum([0, *key_blocks])
    blocks = [
        (query, stop, first, count)
        for start, stop, first, count in zip(starts[:-1], starts[1:], first_keys[:-1], key_blocks, strict=True)
        for query in range(int(start), int(stop), queries)
    ]
    return np.array(blocks, np.int32)
