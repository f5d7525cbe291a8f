"""The tokens of mixed frames as ragged lists, for networks whose attention does not care how many there are.

Published families attend over whole frames, or over a few large parts of a frame (LW-DETR and RF-DETR cut it into
`n x n`). A frame is a list of tokens: for each part its special tokens (class token, registers, detection tokens),
then the tokens of its patches. A coarse token stands in for `d x d` patches; nothing else changes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foveate.core import Mask, RegionGrid
from foveate.models.layout import FrameLayout, frame_layout
from foveate.models.positions import token_positions

Index = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class TokenList:
    """Where each token of one frame stands in its list. Made by `token_list`, which keeps it."""

    layout: FrameLayout
    """Regions and patches behind the tokens."""
    place: Index
    """`(n,)`: which of the layout's `windows * w * w` tokens stands at each patch token's place, part by part."""
    per_part: Index
    """`(parts,)`: patch tokens of each part."""
    specials: int
    """Special tokens at the head of each part."""

    @cached_property
    def part_lengths(self) -> Index:
        """`(parts,)`: tokens of each part, special ones included."""
        lengths: Index = self.per_part + self.specials
        return lengths

    def __len__(self) -> int:
        return int(self.part_lengths.sum())

    @cached_property
    def patch_rows(self) -> Index:
        """`(n,)`: rows of the patch tokens in the list."""
        part = np.repeat(np.arange(len(self.per_part)), self.per_part)
        rows: Index = np.arange(len(self.place)) + (part + 1) * self.specials
        return rows

    @cached_property
    def special_rows(self) -> Index:
        """`(parts, specials)`: rows of the special tokens in the list."""
        starts = np.concatenate([[0], np.cumsum(self.part_lengths)[:-1]])
        rows: Index = starts[:, None] + np.arange(self.specials)
        return rows

    @cached_property
    def first_patch(self) -> Index:
        """`(n, 2)`: row and column of the uppermost left patch under each patch token."""
        layout = self.layout
        patches: Index = np.stack([layout.row.reshape(-1), layout.column.reshape(-1)], axis=1)[self.place]
        return patches

    @cached_property
    def covered(self) -> Index:
        """`(n, 2)`: rows and columns of real patches under each patch token."""
        layout = self.layout
        scale = np.repeat(layout.scale, layout.row.shape[1])[self.place]
        covered: Index = np.minimum(scale[:, None], np.array(layout.grid.patches) - self.first_patch)
        return covered

    @property
    def is_full(self) -> bool:
        """Whether no region is downsampled."""
        return len(self.layout.low_regions) == 0

    @property
    def centres(self) -> NDArray[np.float64]:
        """`(n, 2)`: centre of the patches under each patch token, in patches from the upper left corner."""
        centres: NDArray[np.float64] = self.first_patch + self.covered / 2
        return centres

    @cached_property
    def sources(self) -> tuple[Index, NDArray[np.float32]]:
        """Which patch tokens each patch of the frame is restored from, and their weights: two `(patches, k)` arrays.

        k is 1 where every patch repeats one token, else 4 (bilinear within a region, edges repeated).
        """
        grid = self.layout.grid
        own = np.zeros(grid.patches, np.int64)
        low = np.zeros(grid.patches, np.bool_)
        for step_row in range(grid.downsampling_factor):
            for step_column in range(grid.downsampling_factor):
                inside = (self.covered > (step_row, step_column)).all(axis=1)
                row, column = (self.first_patch[inside] + (step_row, step_column)).T
                own[row, column] = np.flatnonzero(inside)
                low[row, column] = self._is_low[inside]
        if grid.window_size == 1 or not low.any():
            return own.reshape(-1, 1), np.ones((own.size, 1), np.float32)
        rows, columns = (_blend(grid, axis) for axis in (0, 1))
        index = np.repeat(own.reshape(-1, 1), 4, axis=1)
        weight = np.tile(np.array([1, 0, 0, 0], np.float32), (own.size, 1))
        at_row, at_column = np.nonzero(low)
        corners = [(i, j) for i in (0, 1) for j in (0, 1)]
        flat = low.reshape(-1)
        index[flat] = np.stack([own[rows[0][at_row, i], columns[0][at_column, j]] for i, j in corners], axis=1)
        weight[flat] = np.stack([rows[1][at_row, i] * columns[1][at_column, j] for i, j in corners], axis=1)
        return index, weight

    @cached_property
    def _is_low(self) -> NDArray[np.bool_]:
        """`(n,)`: tokens of low-resolution regions."""
        low: NDArray[np.bool_] = np.repeat(self.layout.scale > 1, self.layout.row.shape[1])[self.place]
        return low


def _blend(grid: RegionGrid, axis: int) -> tuple[Index, NDArray[np.float32]]:
    """Along one axis of a low region: two patches under the tokens that a patch mixes, and their shares `(n, 2)`.

    As in `restore.py`: half-pixel centres, each region on its own, the last real token repeated at a clipped border.
    """
    d, r, count = grid.downsampling_factor, grid.region_size, grid.patches[axis]
    patch = np.arange(count)
    origin = patch // r * r
    last = -(-np.minimum(r, count - origin) // d) - 1
    centre = (patch - origin + 0.5) / d - 0.5
    below = np.floor(centre).astype(np.int64)
    share = (centre - below).astype(np.float32)
    tokens = np.stack([np.clip(below, 0, last), np.clip(below + 1, 0, last)], axis=1)
    return origin[:, None] + tokens * d, np.stack([1 - share, share], axis=1)


def token_list(grid: RegionGrid, mask: Mask | None = None, *, parts_per_side: int = 1, specials: int = 0) -> TokenList:
    """The tokens of a frame whose patches divide evenly into `parts_per_side` squared parts."""
    return _cached_list(grid, grid.check_mask(mask).tobytes(), parts_per_side, specials)


@lru_cache(maxsize=256)
def _cached_list(grid: RegionGrid, mask_bytes: bytes, parts_per_side: int, specials: int) -> TokenList:
    mask = np.frombuffer(mask_bytes, np.bool_).reshape(grid.shape)
    layout = frame_layout(grid, mask)
    place = np.flatnonzero(layout.real)
    row, column = layout.row.reshape(-1)[place], layout.column.reshape(-1)[place]
    part = np.zeros(len(place), np.int64)
    if parts_per_side > 1:
        height, width = (count // parts_per_side for count in grid.patches)
        part = row // height * parts_per_side + column // width
    # Raster order inside a part: a frame without low regions stands exactly as in the original network.
    order = np.lexsort((column, row, part))
    per_part = np.bincount(part, minlength=parts_per_side**2)
    return TokenList(layout=layout, place=place[order], per_part=per_part, specials=specials)


@dataclass(frozen=True, kw_only=True, eq=False)
class Stage:
    """What a network has after some block, at full resolution whatever the frames were made of."""

    patches: Tensor
    """`(B, rows, columns, C)`."""
    specials: Tensor
    """`(B, parts, specials, C)`."""


def take_stage(tokens: list[Tensor], lists: list[TokenList], codes: Tensor | None) -> Stage:
    """Lists of tokens `(n, C)` of frames of one size -> regular maps; `codes` as `spread_patches`."""
    rows, columns = lists[0].layout.grid.patches
    maps = [spread_patches(part, order, codes) for part, order in zip(tokens, lists, strict=True)]
    special = [part[_tensor(order.special_rows, part)] for part, order in zip(tokens, lists, strict=True)]
    return Stage(patches=torch.stack([part.reshape(rows, columns, -1) for part in maps]), specials=torch.stack(special))


def spread_patches(tokens: Tensor, order: TokenList, codes: Tensor | None) -> Tensor:
    """A frame's list of tokens -> one vector per patch in raster order: `(n, C)` -> `(patches, C)`.

    `codes`: absolute codes `(rows, columns, C)` that the tokens carry, or None. A patch gets its own code in place of
    the mean that its coarse token carries: patches that are equal in everything would stay so in every later block.
    """
    patches = tokens[_tensor(order.patch_rows, tokens)]
    index, weight = order.sources
    if order.is_full:
        return patches[_tensor(index[:, 0], tokens)]
    if codes is not None:
        patches = patches - mean_codes(codes, order).to(tokens)
    spread = patches[_tensor(index[:, 0], tokens)]
    if index.shape[1] > 1:
        places = np.flatnonzero(weight[:, 0] < 1)
        shares = torch.from_numpy(weight[places]).to(tokens)
        blended = (patches[_tensor(index[places], tokens)] * shares[..., None]).sum(dim=1)
        spread = spread.index_copy(0, _tensor(places, tokens), blended)
    return spread if codes is None else spread + codes.flatten(0, 1).to(tokens)


def mean_codes(codes: Tensor, order: TokenList) -> Tensor:
    """Codes of patches `(rows, columns, C)` -> those of a list's patch tokens `(n, C)`, means over what they cover."""
    windows = token_positions(codes, order.layout).flatten(0, 1)
    return windows[_tensor(order.place, windows)]


def restore_tokens(tokens: Tensor, order: TokenList, full: TokenList, codes: Tensor | None) -> Tensor:
    """A frame's list at mixed resolution -> its list at full resolution; special tokens stay, `codes` as above."""
    patches = spread_patches(tokens, order, codes)
    columns = full.layout.grid.patches[1]
    raster = full.first_patch[:, 0] * columns + full.first_patch[:, 1]
    restored = tokens.new_empty(len(full), tokens.shape[1])
    restored[_tensor(full.patch_rows, tokens)] = patches[_tensor(raster, tokens)]
    restored[_tensor(full.special_rows.reshape(-1), tokens)] = tokens[_tensor(order.special_rows.reshape(-1), tokens)]
    return restored


def run_alike(tokens: list[Tensor], lengths: Index, run: Callable[[list[Tensor], Index], Tensor]) -> Tensor:
    """Run consecutive stretches of lists of `tokens`, each `(N, C)`, those of equal length at once.

    `lengths` sum to N. `run` maps such lists, each `(count, length, C)`, and the numbers of the stretches to one of
    that shape.
    """
    shape = tokens[0].shape
    if len(set(lengths.tolist())) == 1:
        whole = [part.reshape(len(lengths), -1, shape[1]) for part in tokens]
        return run(whole, np.arange(len(lengths))).reshape(shape)
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    result = torch.empty_like(tokens[0])
    for length in np.unique(lengths):
        which = np.flatnonzero(lengths == length)
        rows = _tensor(starts[which][:, None] + np.arange(length), tokens[0])
        result[rows] = run([part[rows] for part in tokens], which)
    return result


def _tensor(index: Index, like: Tensor) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(index)).to(like.device)
