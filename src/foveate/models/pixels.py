"""Pixels on their way into tokens: tiles of regions, cut from tensors or taken from decoded mosaics."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from foveate.core import InputError, RegionGrid
from foveate.models.layout import BatchLayout, FrameLayout


def check_images(images: Tensor) -> None:
    """Raise `InputError` unless `images` is a non-empty `(B, 3, H, W)`."""
    if images.ndim != 4 or images.shape[1] != 3 or images.numel() == 0:
        raise InputError(f"images must be a non-empty tensor (B, 3, H, W), got shape {tuple(images.shape)}")


def cut_tiles(images: Tensor, grid: RegionGrid) -> Tensor:
    """`(B, 3, H, W)` -> `(B, regions, 3, s, s)`; pixels beyond the frame repeat the last row and column."""
    (rows, columns), side = grid.shape, grid.region_pixels
    below, beside = rows * side - grid.height, columns * side - grid.width
    whole = torch.cat([images, images[:, :, -1:].expand(-1, -1, below, -1)], dim=2) if below else images
    whole = torch.cat([whole, whole[..., -1:].expand(-1, -1, -1, beside)], dim=3) if beside else whole
    tiles = whole.reshape(len(images), 3, rows, side, columns, side).permute(0, 2, 4, 1, 3, 5)
    return tiles.reshape(len(images), rows * columns, 3, side, side)


def join_tiles(tiles: Tensor, grid: RegionGrid) -> Tensor:
    """`(B, regions, 3, s, s)` -> `(B, 3, H, W)`, the inverse of `cut_tiles`."""
    (rows, columns), side = grid.shape, grid.region_pixels
    canvas = tiles.reshape(-1, rows, columns, 3, side, side).permute(0, 3, 1, 4, 2, 5)
    return canvas.reshape(len(tiles), 3, rows * side, columns * side)[:, :, : grid.height, : grid.width]


def degrade_regions(images: Tensor, grid: RegionGrid, masks: Tensor) -> Tensor:
    """Down- and upsample the masked regions of `(B, 3, H, W)`: what restoration point 0 sees.

    `masks` bool `(B, regions_h, regions_w)`. Area average down, bilinear up, each region on its own.
    """
    chosen = masks.flatten(1)
    if not bool(chosen.any()):
        return images
    tiles, d = cut_tiles(images, grid).clone(), grid.downsampling_factor
    small = F.avg_pool2d(tiles[chosen].float(), d)
    tiles[chosen] = F.interpolate(small, scale_factor=d, mode="bilinear", align_corners=False).to(tiles.dtype)
    return join_tiles(tiles, grid)


def select_tiles(images: Tensor, grid: RegionGrid, layouts: list[FrameLayout]) -> tuple[Tensor, Tensor]:
    """Full tiles `(n_full, 3, s, s)` and low tiles `(n_low, 3, s / d, s / d)` of a batch, frame by frame."""
    tiles, regions = cut_tiles(images, grid).flatten(0, 1), len(grid)
    full = np.concatenate([i * regions + layout.full_regions for i, layout in enumerate(layouts)])
    low = np.concatenate([i * regions + layout.low_regions for i, layout in enumerate(layouts)])
    whole = tiles if not len(low) else tiles[torch.from_numpy(full).to(tiles.device)]
    coarse = tiles[torch.from_numpy(low).to(tiles.device)]
    if len(low):
        return whole, F.avg_pool2d(coarse, grid.downsampling_factor)
    side = grid.region_pixels // grid.downsampling_factor
    return whole, coarse.new_zeros(0, 3, side, side)


def blank_beyond(full: Tensor, low: Tensor, batch: BatchLayout) -> None:
    """Set normalised pixels beyond the frame to 0, the mean colour, in place (ViTDet pads so).

    A low-resolution tile keeps its edge replication up to the last token that covers a real patch.
    """
    full_at = low_at = 0
    for layout in batch.frames:
        for region in layout.full_regions[_clipped(layout.grid, layout.full_regions)]:
            height, width = _full_extent(layout.grid, int(region))
            tile = full[full_at + int(np.searchsorted(layout.full_regions, region))]
            _blank(tile, height, width)
        extents = layout.low_extents() * layout.grid.patch_size
        for i in np.flatnonzero((extents < low.shape[-1]).any(axis=1)):
            _blank(low[low_at + int(i)], int(extents[i, 0]), int(extents[i, 1]))
        full_at += len(layout.full_regions)
        low_at += len(layout.low_regions)


def _blank(tile: Tensor, height: int, width: int) -> None:
    tile[:, height:, :] = 0
    tile[:, :, width:] = 0


def _clipped(grid: RegionGrid, regions: np.ndarray) -> np.ndarray:
    rows, columns = np.divmod(regions, grid.shape[1])
    side = grid.region_pixels
    return ((rows + 1) * side > grid.height) | ((columns + 1) * side > grid.width)


def _full_extent(grid: RegionGrid, region: int) -> tuple[int, int]:
    top, left, bottom, right = grid.box(*divmod(region, grid.shape[1]))
    return bottom - top, right - left
