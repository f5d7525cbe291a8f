"""Pixels on their way into tokens: tiles of regions, cut from tensors or taken from decoded mosaics."""

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from foveate.core import InputError, RegionGrid
from foveate.models.layout import BatchLayout, FrameLayout, LayoutRun, frame_layout, index_on, layout_runs
from foveate.models.threads import in_threads


def check_images(images: Tensor) -> None:
    """Raise `InputError` unless `images` is a non-empty floating-point tensor `(B, 3, H, W)`."""
    if not isinstance(images, Tensor) or not images.is_floating_point():
        got = images.dtype if isinstance(images, Tensor) else type(images).__name__
        raise InputError(f"images must be a floating-point tensor (B, 3, H, W), normalised, got {got}")
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
    masks = masks.cpu()  # where looking at it waits for nothing
    if not bool(masks.any()):
        return images
    tiles, d = cut_tiles(extend_to_regions(images, grid), grid).clone(), grid.downsampling_factor
    chosen = tuple(index.to(tiles.device) for index in torch.nonzero(masks, as_tuple=True))
    small = area_average(tiles[chosen].float(), d)
    tiles[chosen] = F.interpolate(small, scale_factor=d, mode="bilinear", align_corners=False).to(tiles.dtype)
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

    On a CPU each pixel is read once. Beyond the frame low tiles repeat its edge; full ones hold nothing that counts.
    """
    is_learned = images.requires_grad and torch.is_grad_enabled()  # threads record no gradients
    select = _copy_tiles if images.device.type == "cpu" and not is_learned else _index_tiles
    return select(images, grid, layouts)


def _index_tiles(images: Tensor, grid: RegionGrid, layouts: list[FrameLayout]) -> tuple[Tensor, Tensor]:
    """`select_tiles` in few operations: frames of one layout together."""
    tiles, columns, d = cut_tiles(extend_to_regions(images, grid), grid), grid.shape[1], grid.downsampling_factor

    def taken(run: LayoutRun, name: str) -> Tensor:
        regions = index_on(run.layout, name, tiles.device)
        return tiles[run.frames][:, regions // columns, regions % columns].flatten(0, 1)

    runs = layout_runs(layouts)
    full, low = (torch.cat([taken(run, name) for run in runs]) for name in ("full_regions", "low_regions"))
    return full, area_average(low, d)


def _copy_tiles(images: Tensor, grid: RegionGrid, layouts: list[FrameLayout]) -> tuple[Tensor, Tensor]:
    """`select_tiles` tile by tile, side by side in threads."""
    side, d = grid.region_pixels, grid.downsampling_factor
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
    if full.device.type == "cuda":
        fill_beyond(full, batch, "full_regions")
        fill_beyond(low, batch, "low_regions")
        return
    full_at = low_at = 0
    for run in batch.runs:
        layout, frames = run.layout, run.count
        full_count, low_count = frames * len(layout.full_regions), frames * len(layout.low_regions)
        fine = full[full_at : full_at + full_count].view(frames, len(layout.full_regions), *full.shape[1:])
        for place in np.flatnonzero(_clipped(layout.grid, layout.full_regions)):
            height, width = _full_extent(layout.grid, int(layout.full_regions[place]))
            _blank(fine[:, place], height, width)
        coarse = low[low_at : low_at + low_count].view(frames, len(layout.low_regions), *low.shape[1:])
        extents = layout.low_extents() * layout.grid.patch_size
        for place in np.flatnonzero((extents < low.shape[-1]).any(axis=1)):
            _blank(coarse[:, place], int(extents[place, 0]), int(extents[place, 1]))
        full_at += full_count
        low_at += low_count


def fill_beyond(tiles: Tensor, batch: BatchLayout, name: str) -> None:
    """`blank_beyond` of the `full_regions` or `low_regions` of a batch in few operations."""
    side, parts = tiles.shape[-1], []
    for run in batch.runs:
        beyond = _beyond(run.layout.grid, name, side, tiles.device)
        regions = index_on(run.layout, name, tiles.device)
        parts.append(beyond.index_select(0, regions).repeat(run.count, 1, 1, 1))
    tiles.masked_fill_(torch.cat(parts), 0)


@lru_cache(maxsize=16)
def beyond_frames(grids: tuple[RegionGrid, ...], name: str, side: int, torch_device: torch.device) -> Tensor:
    """`(regions of all grids, 1, side, side)`: the pixels of each region's tile that `blank_beyond` sets to 0."""
    return torch.cat([_beyond(grid, name, side, torch_device) for grid in grids])


@lru_cache(maxsize=64)
def _beyond(grid: RegionGrid, name: str, side: int, torch_device: torch.device) -> Tensor:
    """`(regions, 1, side, side)`: the pixels of each region's tile that `blank_beyond` sets to 0."""
    regions = np.arange(len(grid))
    if name == "low_regions":
        extents = frame_layout(grid, np.ones(grid.shape, np.bool_)).low_extents() * grid.patch_size
    else:
        extents = np.array([_full_extent(grid, region) for region in regions.tolist()])
    line = np.arange(side)
    rows, columns = (line >= extents[:, axis, None] for axis in (0, 1))
    with torch.inference_mode(False):  # noqa: FBT003 - torch.compile knows no keyword
        return torch.from_numpy((rows[:, :, None] | columns[:, None, :])[:, None]).to(torch_device)


def _blank(tile: Tensor, height: int, width: int) -> None:
    tile[..., height:, :] = 0
    tile[..., width:] = 0


def _clipped(grid: RegionGrid, regions: np.ndarray) -> np.ndarray:
    rows, columns = np.divmod(regions, grid.shape[1])
    side = grid.region_pixels
    return ((rows + 1) * side > grid.height) | ((columns + 1) * side > grid.width)


def _full_extent(grid: RegionGrid, region: int) -> tuple[int, int]:
    top, left, bottom, right = grid.box(*divmod(region, grid.shape[1]))
    return bottom - top, right - left
