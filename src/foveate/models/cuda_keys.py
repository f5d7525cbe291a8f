"""Keys of a frame in blocks, as the attention kernels of the CUDA path take them, and the codes of their positions."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from foveate.models.layout import FrameLayout

KEYS = 64
"""Keys that a step of the kernel takes where they lie in bands."""
Rows = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class FrameLaunch:
    """How attention over frames with relative positions is launched."""

    cell: tuple[int, int] | None
    """Rows and columns that a block of keys has, multiples of 8; None = bands, whose keys pick codes of their own."""
    queries: int
    """Queries that a program takes."""
    warps: int
    stages: int
    pick: bool = True


CELLS = FrameLaunch(cell=(8, 8), queries=64, warps=4, stages=2)
CELLS3 = FrameLaunch(cell=(8, 8), queries=64, warps=4, stages=3)
CELLS128 = FrameLaunch(cell=(8, 8), queries=128, warps=8, stages=3)
ADDED = FrameLaunch(cell=(8, 8), queries=64, warps=4, stages=2, pick=False)
BANDS = FrameLaunch(cell=None, queries=64, warps=4, stages=3)
PLAIN = FrameLaunch(cell=None, queries=128, warps=8, stages=3)
"""Without relative positions."""


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


@dataclass(frozen=True, kw_only=True, eq=False)
class CellBlocks:
    """Real tokens of a frame in blocks of a few rows by a few columns, and the codes of these."""

    key: Rows
    """`(blocks * rows * columns,)`: token of the frame, -1 where the block has none."""
    groups: Rows
    """`(blocks, 2)`: first code of the block's rows, and of its columns, in steps of 8."""
    codes: Rows
    """`(codes, 4)` as `key_codes`; where a block has no row or column, a code of no patches."""


@lru_cache(maxsize=256)
def cell_blocks(layout: FrameLayout, cell: tuple[int, int]) -> CellBlocks:
    """Regions of one resolution that stand in the same columns (or rows) form rectangles, which are cut into cells."""
    grid, real = layout.grid, layout.real
    mask = np.zeros(grid.shape, bool)
    mask.reshape(-1)[layout.low_regions] = True
    scale = np.repeat(layout.scale, real.sum(axis=1))
    row, column = layout.row[real], layout.column[real]
    keys: list[Rows] = []
    sides: tuple[list[Rows], list[Rows]] = ([], [])
    for step, chosen in ((1, ~mask), (grid.downsampling_factor, mask)):
        rows, columns = (-(-length // step) for length in grid.patches)
        token = np.full((rows + 1, columns + 1), -1, np.int32)  # the last ones are none
        own = np.flatnonzero(scale == step)
        token[row[own] // step, column[own] // step] = own
        for rectangle in _rectangles(chosen, grid.region_size // step, (rows, columns), cell):
            down, across = (_padded(side, size) for side, size in zip(rectangle, cell, strict=True))
            block = token[down[:, None], across].reshape(len(down) // cell[0], cell[0], -1, cell[1])
            keys.append(block.transpose(0, 2, 1, 3).reshape(-1))
            for axis, side in enumerate((down, across)):
                sides[axis].append(_covered(side, step, grid.patches[axis]))
    lengths = [np.array([len(side) for side in of]) for of in sides]
    codes = np.concatenate([_codes_of(layout, axis, np.concatenate(of)) for axis, of in enumerate(sides)])
    return CellBlocks(
        key=np.concatenate(keys),
        groups=_groups(lengths, cell),
        codes=np.concatenate([codes, np.zeros((-len(codes) % 16, 4), np.int32)]),
    )


def _padded(side: NDArray[np.int64], size: int) -> Rows:
    """Made up to a multiple of `size` by -1."""
    out = np.full(-(-len(side) // size) * size, -1, np.int32)
    out[: len(side)] = side
    return out


def _covered(side: Rows, step: int, length: int) -> Rows:
    """`(n, 2)`: first patch and number of patches of rows or columns of tokens, none where they are -1."""
    both = np.empty((len(side), 2), np.int32)
    both[:, 0] = np.maximum(side, 0) * step
    both[:, 1] = np.where(side < 0, 0, np.minimum(step, length - both[:, 0]))
    return both


def _groups(lengths: list[NDArray[np.int64]], cell: tuple[int, int]) -> Rows:
    """Groups of all cells of rectangles with these padded lengths; codes of rows come before those of columns."""
    first = np.cumsum([0, *lengths[0], *lengths[1]])
    parts = []
    for number, (rows, columns) in enumerate(zip(*lengths, strict=True)):
        down = np.arange(first[number], first[number] + rows, cell[0])
        start = first[len(lengths[0]) + number]
        across = np.arange(start, start + columns, cell[1])
        both = np.empty((len(down), len(across), 2), np.int32)
        both[..., 0], both[..., 1] = down[:, None], across
        parts.append(both.reshape(-1, 2))
    return np.concatenate(parts) // 8


def _rectangles(
    chosen: NDArray[np.bool_], side: int, lengths: tuple[int, int], cell: tuple[int, int]
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows and columns of the rectangles that the chosen regions form; along the axis that needs fewer cells."""
    by_row = _alike_rows(chosen, side, lengths)
    by_column = [(rows, columns) for columns, rows in _alike_rows(chosen.T, side, lengths[::-1])]
    return min(
        by_row, by_column, key=lambda found: sum(-(-len(a) // cell[0]) * -(-len(b) // cell[1]) for a, b in found)
    )


def _alike_rows(
    chosen: NDArray[np.bool_], side: int, lengths: tuple[int, int]
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows of regions with the same regions chosen, together: rows and columns of tokens."""
    alike: dict[bytes, list[int]] = {}
    for number, line in enumerate(chosen):
        if line.any():
            alike.setdefault(line.tobytes(), []).append(number)
    within = np.arange(side)
    found = []
    for numbers in alike.values():
        parts = (np.array(numbers), np.flatnonzero(chosen[numbers[0]]))
        both = ((part[:, None] * side + within).reshape(-1) for part in parts)
        rows, columns = (line[line < length] for line, length in zip(both, lengths, strict=True))
        found.append((rows, columns))
    return found


def _codes_of(layout: FrameLayout, axis: int, covered: Rows) -> Rows:
    """`key_codes` of rows or columns that cover these patches."""
    rows, columns = layout.grid.patches
    codes = np.empty((len(covered), 4), np.int32)
    codes[:, :2], codes[:, 3] = covered, axis
    codes[:, 2] = (rows - 1, 2 * rows - 1 + columns - 1)[axis]
    return codes


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
