"""Pixels on their way into tokens: tiles of regions, cut from tensors or taken from decoded mosaics."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from foveate.core import InputError, RegionGrid
from foveate.models.layout import BatchLayout, FrameLayout
from foveate.models.threads import in_threads


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
    """Full tiles `(n_full, 3, s, s)` and low tiles `(n_low, 3, s / d, s / d)` of a batch, frame by frame.

    Each pixel is read once. What lies beyond the frame is 0 in full tiles and repeats the edge in low tiles. Full tiles
    may be views of `images`.
    """
    side, d = grid.region_pixels, grid.downsampling_factor
    missing = [count * side - pixels for count, pixels in zip(grid.shape, images.shape[2:], strict=True)]
    if not any(len(layout.low_regions) for layout in layouts) and (grid.shape == (1, 1) or not any(missing)):
        whole = F.pad(images, (0, missing[1], 0, missing[0])) if any(missing) else images
        return cut_tiles(whole, grid).reshape(-1, 3, side, side), images.new_empty(0, 3, side // d, side // d)
    pairs = list(zip(images, layouts, strict=True))
    full_pixels = [_region(image, grid, int(r)) for image, layout in pairs for r in layout.full_regions]
    low_pixels = [_region(image, grid, int(r)) for image, layout in pairs for r in layout.low_regions]
    full = images.new_empty(len(full_pixels), 3, side, side)
    low = images.new_empty(len(low_pixels), 3, side // d, side // d)

    def work(index: int, count: int) -> None:
        for tile, pixels in zip(full[index::count], full_pixels[index::count], strict=True):
            _paste(tile, pixels)
        for tile, pixels in zip(low[index::count], low_pixels[index::count], strict=True):
            tile.copy_(area_average(_extend(pixels, side)[None], d)[0])

    in_threads(work, on=images.device)
    return full, low


def _paste(tile: Tensor, pixels: Tensor) -> None:
    """Put `(3, h, w)` into the upper left of a tile and 0 into the rest."""
    height, width = pixels.shape[1:]
    tile[:, :height, :width] = pixels
    _blank(tile, height, width)


def _region(image: Tensor, grid: RegionGrid, region: int) -> Tensor:
    """The pixels of a region that lie in the frame, as a view `(3, h, w)`."""
    top, left, bottom, right = grid.box(*divmod(region, grid.shape[1]))
    return image[:, top:bottom, left:right]


def _extend(pixels: Tensor, side: int) -> Tensor:
    """`(3, h, w)` made up to `(3, side, side)` by repeating the last row and column; the same tensor if whole."""
    below, beside = side - pixels.shape[1], side - pixels.shape[2]
    if below:
        pixels = torch.cat([pixels, pixels[:, -1:].expand(-1, below, -1)], dim=1)
    return torch.cat([pixels, pixels[:, :, -1:].expand(-1, -1, beside)], dim=2) if beside else pixels


def blank_beyond(full: Tensor, low: Tensor, batch: BatchLayout) -> None:
    """Set normalised pixels beyond the frame to 0, the mean colour, in place (ViTDet pads so).

    A low-resolution tile keeps its edge replication up to the last token that covers a real patch.
    """
    full_at = low_at = 0
    for layout, count in batch.runs:
        full_end, low_end = full_at + count * len(layout.full_regions), low_at + count * len(layout.low_regions)
        _blank_full(full[full_at:full_end].view(count, -1, *full.shape[1:]), layout)
        _blank_low(low[low_at:low_end].view(count, -1, *low.shape[1:]), layout)
        full_at, low_at = full_end, low_end


def _blank_full(tiles: Tensor, layout: FrameLayout) -> None:
    """`(frames, regions, 3, s, s)`, all frames of one layout."""
    for place in np.flatnonzero(_clipped(layout.grid, layout.full_regions)):
        height, width = _full_extent(layout.grid, int(layout.full_regions[place]))
        _blank(tiles[:, int(place)], height, width)


def _blank_low(tiles: Tensor, layout: FrameLayout) -> None:
    """`(frames, regions, 3, s / d, s / d)`, all frames of one layout."""
    extents = layout.low_extents() * layout.grid.patch_size
    for place in np.flatnonzero((extents < tiles.shape[-1]).any(axis=1)):
        _blank(tiles[:, int(place)], int(extents[place, 0]), int(extents[place, 1]))


def _blank(tiles: Tensor, height: int, width: int) -> None:
    tiles[..., height:, :] = 0
    tiles[..., width:] = 0


def _clipped(grid: RegionGrid, regions: np.ndarray) -> np.ndarray:
    rows, columns = np.divmod(regions, grid.shape[1])
    side = grid.region_pixels
    return ((rows + 1) * side > grid.height) | ((columns + 1) * side > grid.width)


def _full_extent(grid: RegionGrid, region: int) -> tuple[int, int]:
    top, left, bottom, right = grid.box(*divmod(region, grid.shape[1]))
    return bottom - top, right - left
