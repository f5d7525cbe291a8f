"""Keys of a frame in blocks, as the attention kernels of the CUDA path take them, and the codes of their positions."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from foveate.models.layout import FrameLayout

CELL = (8, 8)
"""Rows and columns that a block of keys has where positions are relative."""
KEYS = CELL[0] * CELL[1]
"""Keys that a step of the kernels takes."""
Rows = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class FrameLaunch:
    """How attention over frames is launched; other sizes, warps and stages were slower (docs/log.md)."""

    relative: bool
    """Whether positions are; then a block of keys is a cell of the frame."""
    queries: int
    """Queries that a program takes."""
    warps: int
    stages: int


CELLS = FrameLaunch(relative=True, queries=64, warps=4, stages=3)
PLAIN = FrameLaunch(relative=False, queries=128, warps=8, stages=3)


@lru_cache(maxsize=256)
def plain_blocks(layout: FrameLayout) -> Rows:
    """`(blocks * KEYS,)`: tokens in their own order, -1 where there is none."""
    count = layout.real_tokens
    key = np.full(-(-count // KEYS) * KEYS, -1, np.int32)
    key[:count] = np.arange(count)
    return key


@dataclass(frozen=True, kw_only=True, eq=False)
class CellBlocks:
    """Real tokens of a frame in cells, and the codes of their rows and columns."""

    key: Rows
    """`(blocks * KEYS,)`: token of the frame, -1 where the block has none."""
    groups: Rows
    """`(blocks, 2)`: first code of the block's rows, and of its columns, in steps of 8."""
    codes: Rows
    """`(codes, 4)`: first patch, number of patches, where distance 0 lies among the products, and axis of each; of no
    patches where a block has no row or column."""


@lru_cache(maxsize=256)
def cell_blocks(layout: FrameLayout) -> CellBlocks:
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
        for rectangle in _rectangles(chosen, grid.region_size // step, (rows, columns)):
            down, across = (_padded(side, size) for side, size in zip(rectangle, CELL, strict=True))
            block = token[down[:, None], across].reshape(len(down) // CELL[0], CELL[0], -1, CELL[1])
            keys.append(block.transpose(0, 2, 1, 3).reshape(-1))
            for axis, side in enumerate((down, across)):
                sides[axis].append(_covered(side, step, grid.patches[axis]))
    lengths = [np.array([len(side) for side in of]) for of in sides]
    codes = np.concatenate([_codes_of(layout, axis, np.concatenate(of)) for axis, of in enumerate(sides)])
    return CellBlocks(
        key=np.concatenate(keys),
        groups=_groups(lengths),
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


def _groups(lengths: list[NDArray[np.int64]]) -> Rows:
    """Groups of all cells of rectangles with these padded lengths; codes of rows come before those of columns."""
    first = np.cumsum([0, *lengths[0], *lengths[1]])
    parts = []
    for number, (rows, columns) in enumerate(zip(*lengths, strict=True)):
        down = np.arange(first[number], first[number] + rows, CELL[0])
        start = first[len(lengths[0]) + number]
        across = np.arange(start, start + columns, CELL[1])
        both = np.empty((len(down), len(across), 2), np.int32)
        both[..., 0], both[..., 1] = down[:, None], across
        parts.append(both.reshape(-1, 2))
    return np.concatenate(parts) // 8


def _rectangles(
    chosen: NDArray[np.bool_], side: int, lengths: tuple[int, int]
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows and columns of the rectangles that the chosen regions form; along the axis that needs fewer cells."""
    by_row = _alike_rows(chosen, side, lengths)
    by_column = [(rows, columns) for columns, rows in _alike_rows(chosen.T, side, lengths[::-1])]
    return min(
        by_row, by_column, key=lambda found: sum(-(-len(a) // CELL[0]) * -(-len(b) // CELL[1]) for a, b in found)
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
    """`CellBlocks.codes` of rows or columns that cover these patches."""
    rows, columns = layout.grid.patches
    codes = np.empty((len(covered), 4), np.int32)
    codes[:, :2], codes[:, 3] = covered, axis
    codes[:, 2] = (rows - 1, 2 * rows - 1 + columns - 1)[axis]
    return codes


@lru_cache(maxsize=256)
def query_spans(layout: FrameLayout) -> Rows:
    """`(n, 4)`: first row, rows, first column and columns of the patches that each real token covers."""
    return np.stack([part for axis in (0, 1) for part in layout.spans(axis)], axis=1).astype(np.int32)
