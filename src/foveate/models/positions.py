"""Position codes for tokens of mixed resolution: exact means over the patches that a token covers.

Absolute: a learned table, either stretched over the frame (as published ViTs are) or repeated in every decision
region (for models trained on region-sized crops; the code is the same in a crop and in a frame of any size).
Relative: the decomposed tables of ViTDet (Li et al. 2022; MViTv2, eq. 4), folded into queries and keys.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from foveate.core import InputError, RegionGrid
from foveate.models.layout import FrameLayout, index_on, upload


def stretched_positions(table: Tensor, grid: RegionGrid) -> Tensor:
    """Bicubic interpolation of `(1, size, size, C)` to the patches of a frame: `(rows, columns, C)`."""
    if tuple(table.shape[1:3]) == grid.patches:
        return table[0]
    image = table.permute(0, 3, 1, 2).float()
    resized = F.interpolate(image, size=grid.patches, mode="bicubic", align_corners=False)
    return resized[0].permute(1, 2, 0).to(table.dtype)


def tiled_positions(table: Tensor, grid: RegionGrid) -> Tensor:
    """Repeat `(1, r, r, C)` in every decision region: `(rows, columns, C)`."""
    rows, columns = grid.shape
    return table[0].repeat(rows, columns, 1)[: grid.patches[0], : grid.patches[1]]


def token_positions(positions: Tensor, layout: FrameLayout) -> Tensor:
    """Mean code of the real patches under each token: `(rows, columns, C)` -> `(windows, w * w, C)`; else 0."""
    grid = layout.grid
    (rows, columns), (region_rows, region_columns) = grid.patches, grid.shape
    size, w, d = grid.region_size, grid.window_size, grid.downsampling_factor
    dim = positions.shape[2]
    canvas = F.pad(positions, (0, 0, 0, region_columns * size - columns, 0, region_rows * size - rows))
    tiles = canvas.reshape(region_rows, size, region_columns, size, dim).transpose(1, 2).flatten(0, 1)
    full = tiles[index_on(layout, "full_regions", tiles.device)]
    windows = full.reshape(-1, d, w, d, w, dim).transpose(2, 3).reshape(-1, w * w, dim)
    low = tiles[index_on(layout, "low_regions", tiles.device)].reshape(-1, w, d, w, d, dim).sum(dim=(2, 4))
    low = low.flatten(1, 2) / upload(_covered_patches(layout), low.device).to(low.dtype)
    return torch.cat([windows[index_on(layout, "kept_windows", windows.device)], low])


def raster_positions(positions: Tensor, grid: RegionGrid) -> Tensor:
    """Codes of all patches, then of all tokens of low resolution, each in raster order: `(rows, columns, C)` ->
    `(n, C)`.
    """
    image = positions.permute(2, 0, 1)[None].float()
    d = grid.downsampling_factor
    low = F.avg_pool2d(image, d, ceil_mode=True, count_include_pad=False)[0].permute(1, 2, 0)
    return torch.cat([positions.flatten(0, 1), low.flatten(0, 1).to(positions.dtype)])


def _covered_patches(layout: FrameLayout) -> NDArray[np.int64]:
    """Real patches under each token of the low windows, at least 1: `(n_low, w * w, 1)`."""
    d, (rows, columns) = layout.grid.downsampling_factor, layout.grid.patches
    low = slice(layout.full_windows, None)
    covered = np.clip(rows - layout.row[low], 0, d) * np.clip(columns - layout.column[low], 0, d)
    return np.maximum(covered, 1)[..., None]


@dataclass(frozen=True, kw_only=True)
class RelativeAxis:
    """Which entries of a relative table the tokens of a global block use along one axis.

    Summing `weight` over slots averages the children of a low-resolution token.
    """

    position: Tensor
    """`(n, d)` long: patch positions that each token covers."""
    weight: Tensor
    """`(n, d)`: their shares; rows sum to 1."""
    length: int
    """Patches along the axis."""

    def part(self, tokens: slice) -> "RelativeAxis":
        """The same of some of the tokens."""
        return replace(self, position=self.position[tokens], weight=self.weight[tokens])


def relative_axis(layout: FrameLayout, axis: int, like: Tensor) -> RelativeAxis:
    """The real tokens of a frame along axis 0 (rows) or 1 (columns)."""
    start, count = layout.spans(axis)
    slots = np.arange(layout.grid.downsampling_factor if count.size and count.max() > 1 else 1)
    used = slots < count[:, None]
    position = np.where(used, start[:, None] + slots, start[:, None])
    return RelativeAxis(
        position=torch.from_numpy(position).to(like.device),
        weight=torch.from_numpy(used / count[:, None]).to(like),
        length=layout.grid.patches[axis],
    )


def key_code(axis: RelativeAxis) -> Tensor:
    """`(n, length)`: what a key appends; a weight of 1 / count on each position that it covers."""
    code = axis.weight.new_zeros(len(axis.position), axis.length)
    return code.scatter_add(1, axis.position, axis.weight)


def query_code(query: Tensor, table: Tensor, axis: RelativeAxis) -> Tensor:
    """`(heads, n, length)`: what a query appends; its products with the table at each distance, averaged.

    `query` `(heads, n, head_dim)`, unscaled; `table` `(2 * length - 1, head_dim)`.
    """
    products = query @ table.flip(0).transpose(0, 1)  # in the order of keys
    slots = [_stretches(products, axis.length - 1 - position, axis.length) for position in axis.position.unbind(dim=1)]
    if len(slots) == 1:
        return slots[0]
    return torch.stack([code * weight[:, None] for code, weight in zip(slots, axis.weight.unbind(1), strict=True)]).sum(
        0
    )


def _stretches(products: Tensor, first: Tensor, length: int) -> Tensor:
    """Of each token's `(heads, n, distances)` the `length` entries from `first` `(n,)` on: `(heads, n, length)`."""
    heads, count, distances = products.shape
    if torch.is_grad_enabled():  # the gradient of what is faster would need memory for every stretch that there is
        entries = first[:, None] + torch.arange(length, device=first.device)
        return products.gather(2, entries.expand(heads, -1, -1))
    starts = torch.arange(heads * count, device=first.device).view(heads, count) * distances + first
    every = products.flatten().unfold(0, length, 1)
    return every.index_select(0, starts.flatten()).view(heads, count, length)


def fit_table(table: Tensor, length: int, *, how: str = "interpolate") -> Tensor:
    """A relative table `(2 * size - 1, head_dim)` for another `length`: stretched, or cut to its centre."""
    wanted = 2 * length - 1
    if len(table) == wanted:
        return table
    if how == "cut":
        if len(table) < wanted:
            raise InputError(f"a table of {len(table)} distances cannot be cut to {wanted}; use 'interpolate'")
        start = (len(table) - wanted) // 2
        return table[start : start + wanted]
    stretched = F.interpolate(table.t()[None].float(), size=wanted, mode="linear")
    return stretched[0].t().to(table.dtype)
