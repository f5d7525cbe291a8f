"""Where the tokens of a batch lie, as the tables that the CUDA path looks things up in.

The CUDA path keeps the real tokens alone, `(n, C)`, frame by frame and in the order of their windows.
"""

import itertools
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foveate.core import RegionGrid
from foveate.models.layout import BatchLayout, FrameLayout, frame_layout, map_index
from foveate.models.restore import alike_windows, window_weights

KEYS = 64
"""Keys that a step of the kernel takes where they lie in bands."""
Rows = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class FrameLaunch:
    """How attention over frames with relative positions is launched."""

    cell: tuple[int, int] | None
    """Rows and columns that a block of keys has; None = bands, whose codes a product picks."""
    queries: int
    """Queries that a program takes."""
    warps: int
    stages: int


CELLS = FrameLaunch(cell=(8, 8), queries=64, warps=4, stages=2)
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


@lru_cache(maxsize=256)
def window_places(layout: FrameLayout) -> Rows:
    """`(windows * w * w,)`: number of each real token, -1 for the others."""
    real = layout.real.reshape(-1)
    return np.where(real, np.cumsum(real) - 1, -1).astype(np.int32)


class BatchTables:
    """Tables of a batch on its device. With `launch`, what relative positions need too; then frames are one size."""

    def __init__(self, batch: BatchLayout, launch: FrameLaunch | None) -> None:
        self.frames, self.torch_device, self.launch = batch.frames, batch.torch_device, launch
        frames = batch.frames
        starts = np.cumsum([0, *(layout.real_tokens for layout in frames)])
        self.starts = [int(start) for start in starts]
        self.tokens = self.starts[-1]
        self.spans = max(int(layout.scale.max()) for layout in frames)
        real = np.concatenate([layout.real.reshape(-1) for layout in frames])
        values: dict[str, NDArray[np.generic]] = {
            "places": _numbered([window_places(layout) for layout in frames], starts),
            "real": np.flatnonzero(real),
            **self._keys(starts),
        }
        if launch is not None:
            w = frames[0].grid.window_size
            values["query_spans"] = np.concatenate([query_spans(layout) for layout in frames])
            values["window_spans"] = _window_spans(frames, w)
            values["window_codes"] = _window_codes(w)
            values["window_pieces"] = _pieces(starts[[0, -1]])
            values["pieces"] = _pieces(starts)
        found = dict(zip(values, on_device(list(values.values()), batch.torch_device), strict=True))
        self.places, self.real, self.key, self.blocks = (found[name] for name in ("places", "real", "key", "blocks"))
        """Row of each place in a window, -1 for none; places that are real; token of each key; what a program does."""
        self.parts = found
        """All tables by name."""

    def _keys(self, starts: NDArray[np.int64]) -> dict[str, NDArray[np.generic]]:
        """Blocks of keys, as the kernel for frames takes them."""
        launch, frames = self.launch or PLAIN, self.frames
        if self.launch is None or launch.cell is None:
            bands = [(plain_blocks if self.launch is None else banded_blocks)(layout) for layout in frames]
            counts = [len(part.slots) for part in bands]
            key = _numbered([part.key for part in bands], starts)
            values: dict[str, NDArray[np.generic]] = {
                "barred": np.where(key < 0, -np.inf, 0).astype(np.float32),
                "slots": np.concatenate([part.slots for part in bands]),
                "picked_row": np.concatenate([part.picked_row for part in bands]),
                "picked_column": np.concatenate([part.picked_column for part in bands]),
            }
            if self.launch is not None:
                values["key_codes"] = np.stack([key_codes(layout) for layout in frames])
        else:
            cells = [cell_blocks(layout, launch.cell) for layout in frames]
            counts = [len(part.groups) for part in cells]
            key = _numbered([part.key for part in cells], starts)
            most = max(len(part.codes) for part in cells)
            codes = np.zeros((len(cells), most, 4), np.int32)
            for table, part in zip(codes, cells, strict=True):
                table[: len(part.codes)] = part.codes
            values = {"groups": np.concatenate([part.groups for part in cells]), "key_codes": codes}
        return values | {"key": np.maximum(key, 0), "blocks": _query_blocks(starts, counts, launch.queries)}


def on_device(values: list[NDArray[np.generic]], torch_device: torch.device) -> list[Tensor]:
    """Arrays as tensors there, integers as int32, in one transfer that waits for nothing; each starts at 16 bytes."""
    whole = [np.ascontiguousarray(v, np.float32 if v.dtype.kind == "f" else np.int32) for v in values]
    ends = np.cumsum([-(-v.size // 4) * 4 for v in whole]).tolist()
    with torch.inference_mode(mode=False):
        packed = torch.empty(ends[-1], dtype=torch.int32, pin_memory=torch_device.type == "cuda")
        flat = packed.numpy()
        for start, v in zip([0, *ends], whole, strict=False):
            flat[start : start + v.size] = v.reshape(-1).view(np.int32)
        there = packed.to(torch_device, non_blocking=True)
        return [
            there[start : start + v.size].view(torch.float32 if v.dtype.kind == "f" else torch.int32).view(v.shape)
            for start, v in zip([0, *ends], whole, strict=False)
        ]


PIECE = 16
"""Tokens that a program of `gather_codes` takes."""


def _pieces(starts: NDArray[np.int64]) -> Rows:
    """`(n, 3)`: first token, one past the last of its frame, and frame."""
    parts = [
        np.stack(np.broadcast_arrays(np.arange(start, stop, PIECE), stop, number), axis=1)
        for number, (start, stop) in enumerate(itertools.pairwise(starts))
    ]
    return np.concatenate(parts).astype(np.int32)


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


def batch_tables(batch: BatchLayout, launch: FrameLaunch | None) -> BatchTables:
    """The tables of a batch, kept while the same frames come again."""
    return _cached_tables(batch, launch)


@lru_cache(maxsize=64)
def _cached_tables(batch: BatchLayout, launch: FrameLaunch | None) -> BatchTables:
    return BatchTables(batch, launch)


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
    sources, weights = on_device([np.concatenate(values) for values in zip(*parts, strict=True)], torch_device)
    return sources, weights


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


@lru_cache(maxsize=64)
def map_places(layout: FrameLayout, torch_device: torch.device) -> Tensor:
    """Number of the token of each patch of a full layout, raster order."""
    with torch.inference_mode(mode=False):
        return torch.from_numpy(window_places(layout)[map_index(layout.grid)].astype(np.int64)).to(torch_device)
