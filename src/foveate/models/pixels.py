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


def extend_to_regions(images: Tensor, grid: RegionGrid) -> Tensor:
    """Images `(B, 3, H, W)` made up to whole regions by repeating the last row and column; the same tensor if whole."""
    height, width = images.shape[2:]
    whole_height, whole_width = (n * grid.region_pixels for n in grid.shape)
    if (height, width) == (whole_height, whole_width):
        return images
    whole = images.new_empty(*images.shape[:2], whole_height, whole_width)
    whole[:, :, :height, :width] = images
    whole[:, :, height:, :width] = images[:, :, -1:]
    whole[:, :, :, width:] = whole[:, :, :, width - 1 : width]
    return whole


def cut_tiles(whole: Tensor, grid: RegionGrid) -> Tensor:
    """Images of whole regions, at any scale, as a view `(B, regions_h, regions_w, 3, side, side)`."""
    rows, columns = grid.shape
    height, width = whole.shape[2] // rows, whole.shape[3] // columns
    return whole.reshape(len(whole), 3, rows, height, columns, width).permute(0, 2, 4, 1, 3, 5)


def join_tiles(tiles: Tensor, grid: RegionGrid) -> Tensor:
    """`(B, regions_h, regions_w, 3, s, s)` -> `(B, 3, H, W)`, the inverse of `cut_tiles`."""
    (rows, columns), side = grid.shape, grid.region_pixels
    canvas = tiles.permute(0, 3, 1, 4, 2, 5)
    return canvas.reshape(len(tiles), 3, rows * side, columns * side)[:, :, : grid.height, : grid.width]


def degrade_regions(images: Tensor, grid: RegionGrid, masks: Tensor) -> Tensor:
    """Down- and upsample the masked regions of `(B, 3, H, W)`: what restoration point 0 sees.

    `masks` bool `(B, regions_h, regions_w)`. Area average down, bilinear up, each region on its own.
    """
    if not bool(masks.any()):
        return images
    tiles, d = cut_tiles(extend_to_regions(images, grid), grid).clone(), grid.downsampling_factor
    small = area_average(tiles[masks].float(), d)
    tiles[masks] = F.interpolate(small, scale_factor=d, mode="bilinear", align_corners=False).to(tiles.dtype)
    return join_tiles(tiles, grid)


def area_average(tiles: Tensor, factor: int) -> Tensor:
    """Mean of `factor x factor` pixels: `(n, 3, s, s)` -> `(n, 3, s / factor, s / factor)`.

    Whole rows first: on a CPU several times faster than average pooling (docs/log.md).
    """
    rows = sum((tiles[:, :, i::factor] for i in range(1, factor)), start=tiles[:, :, ::factor])
    cells = sum((rows[..., i::factor] for i in range(1, factor)), start=rows[..., ::factor])
    return cells / (factor * factor)


def select_tiles(images: Tensor, grid: RegionGrid, layouts: list[FrameLayout]) -> tuple[Tensor, Tensor]:
    """Full tiles `(n_full, 3, s, s)` and low tiles `(n_low, 3, s / d, s / d)` of a batch, frame by frame."""
    whole, side = extend_to_regions(images, grid), grid.region_pixels // grid.downsampling_factor
    tiles = cut_tiles(whole, grid)
    if not any(len(layout.low_regions) for layout in layouts):
        return tiles.flatten(0, 2).contiguous(), images.new_zeros(0, 3, side, side)
    # Averaging the whole image costs less than copying the low tiles first; means never cross a region's border.
    coarse = cut_tiles(area_average(whole, grid.downsampling_factor), grid)
    full = _pick(tiles, [layout.full_regions for layout in layouts])
    return full, _pick(coarse, [layout.low_regions for layout in layouts])


def _pick(tiles: Tensor, regions: list[np.ndarray]) -> Tensor:
    """The tiles of the given raster numbers, one array per frame: `(n, 3, s, s)`."""
    frame = np.repeat(np.arange(len(regions)), [len(numbers) for numbers in regions])
    row, column = np.divmod(np.concatenate(regions), tiles.shape[2])
    index = tuple(torch.from_numpy(i).to(tiles.device) for i in (frame, row, column))
    return tiles[index]


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
