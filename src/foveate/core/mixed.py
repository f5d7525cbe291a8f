"""A frame of two resolutions: regions that keep their pixels, and regions that are downsampled.

Both ends use this type: the codec sends its tiles as two mosaics, the model turns its tiles into tokens.
Resampling never crosses a region border, so a tile depends on its own region alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.core.errors import InputError
from foveate.core.frame import Pixels, check_pixels
from foveate.core.regions import Mask, RegionGrid

Tiles = NDArray[np.uint8]
"""Square pictures of equal size: uint8 `(n, side, side, 3)` RGB."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MixedFrame:
    """The pixels of one frame, region by region in raster order. Raises `InputError` on wrong shapes.

    Tiles of regions that the border clips are filled beyond the frame by repeating the last row and column. For low
    tiles, `split_regions` does so before averaging; the codec sends no more than the frame holds and repeats averages.
    """

    grid: RegionGrid
    mask: Mask
    """Bool `(regions_h, regions_w)`; True = the region is among `low`."""
    full: Tiles
    """`(n_full, s, s, 3)` with s = `grid.region_pixels`."""
    low: Tiles
    """`(n_low, s / d, s / d, 3)`."""

    def __post_init__(self) -> None:
        mask = self.grid.check_mask(self.mask)
        side, small = self.grid.region_pixels, self.grid.region_pixels // self.grid.downsampling_factor
        wanted = {
            "full": (int((~mask).sum()), side, side, 3),
            "low": (int(mask.sum()), small, small, 3),
        }
        for name, shape in wanted.items():
            tiles = getattr(self, name)
            if tiles.dtype != np.uint8 or tiles.shape != shape:
                raise InputError(f"{name} tiles must be uint8 {shape}, got {tiles.dtype} {tiles.shape}")


def split_regions(pixels: Pixels, grid: RegionGrid, mask: Mask | None = None) -> MixedFrame:
    """Cut a frame into full-resolution and downsampled tiles (ViTMAlis, section III-A).

    `pixels`: uint8 `(H, W, 3)` of the grid's size. Raises `InputError` where sizes disagree.
    """
    check_pixels(pixels)
    if pixels.shape[:2] != (grid.height, grid.width):
        raise InputError(f"the grid is for {grid.height} x {grid.width}, got a frame of {pixels.shape[:2]}")
    chosen = grid.check_mask(mask)
    side, d = grid.region_pixels, grid.downsampling_factor
    low = np.empty((int(chosen.sum()), side // d, side // d, 3), np.uint8)
    full, whole = np.empty((len(grid) - len(low), side, side, 3), np.uint8), np.empty((1, side, side, 3), np.uint8)
    for tile, region in zip(full, _regions(pixels, grid, ~chosen), strict=True):
        _fill(tile, region)
    for tile, region in zip(low, _regions(pixels, grid, chosen), strict=True):
        _fill(whole[0], region)
        tile[:] = area_downsample(whole, d)[0]
    return MixedFrame(grid=grid, mask=chosen, full=full, low=low)


def _regions(pixels: Pixels, grid: RegionGrid, mask: Mask) -> Iterator[Pixels]:
    """The part of each chosen region that lies in the frame, as views `(h, w, 3)`."""
    for row, column in np.argwhere(mask).tolist():
        top, left, bottom, right = grid.box(row, column)
        yield pixels[top:bottom, left:right]


def _fill(tile: Pixels, region: Pixels) -> None:
    """Put a region into the upper left of its tile, and repeat its last row and column beyond it."""
    height, width = region.shape[:2]
    tile[:height, :width] = region
    tile[:height, width:] = region[:, -1:]
    tile[height:] = tile[height - 1]


def join_regions(mixed: MixedFrame) -> Pixels:
    """The frame at full resolution, uint8 `(H, W, 3)`, with downsampled regions enlarged again (bilinear)."""
    grid = mixed.grid
    side, (rows, columns) = grid.region_pixels, grid.shape
    tiles = np.empty((len(grid), side, side, 3), np.uint8)
    flat = mixed.mask.reshape(-1)
    tiles[~flat] = mixed.full
    tiles[flat] = bilinear_upsample(mixed.low, grid.downsampling_factor)
    canvas = tiles.reshape(rows, columns, side, side, 3).transpose(0, 2, 1, 3, 4)
    whole = canvas.reshape(rows * side, columns * side, 3)
    return np.ascontiguousarray(whole[: grid.height, : grid.width])


def area_downsample(tiles: Tiles, factor: int) -> Tiles:
    """Average `factor x factor` pixels, rounded half up: `(n, s, s, 3)` -> `(n, s / factor, s / factor, 3)`."""
    count, height, width = tiles.shape[:3]
    area, kind = factor * factor, np.uint16 if factor <= 16 else np.uint32
    lines = tiles.reshape(count, height, width * 3)  # long ones: loops over three colours are slow
    rows: NDArray[Any] = lines[:, ::factor].astype(kind)
    for dy in range(1, factor):
        rows += lines[:, dy::factor]
    last = 3 * (width - factor + 1)
    sums = rows[..., :last] + area // 2
    for dx in range(1, factor):
        sums += rows[..., 3 * dx : 3 * dx + last]
    sums //= area
    means = np.empty((count, height // factor, width // factor, 3), np.uint8)
    for colour in range(3):
        means[..., colour] = sums[..., colour :: 3 * factor]
    return means


def bilinear_upsample(tiles: Tiles, factor: int) -> Tiles:
    """Enlarge each tile on its own with half-pixel centres, edges repeated; rounded half up."""
    if len(tiles) == 0:
        side = tiles.shape[1] * factor
        return np.zeros((0, side, side, 3), np.uint8)
    weights = bilinear_matrix(tiles.shape[1], factor)
    tall = np.einsum("oi,nijc->nojc", weights, tiles.astype(np.float32), optimize=True)
    wide = np.einsum("oj,nijc->nioc", weights, tall, optimize=True)
    enlarged: Tiles = (wide + 0.5).astype(np.uint8)
    return enlarged


def bilinear_matrix(size: int, factor: int) -> NDArray[np.float32]:
    """Interpolation weights `(size * factor, size)` of half-pixel-centred bilinear upsampling; rows sum to 1."""
    centres = (np.arange(size * factor) + 0.5) / factor - 0.5
    below = np.floor(centres).astype(int)
    share = (centres - below).astype(np.float32)
    weights = np.zeros((size * factor, size), np.float32)
    rows = np.arange(size * factor)
    np.add.at(weights, (rows, np.clip(below, 0, size - 1)), 1 - share)
    np.add.at(weights, (rows, np.clip(below + 1, 0, size - 1)), share)
    return weights
