"""A frame as two mosaics, before compression: regions that keep their pixels, and downsampled regions.

`full_mosaic` and `low_mosaic` cut and pack, `unpack` is their common inverse. Tiles are clipped to the frame on
the way out and filled beyond it again on the way in: pixels that do not exist are not sent.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from foveate.codec.layout import Layout, Size, padded, shelf_layout
from foveate.core import Mask, Pixels, RegionGrid, Tiles
from foveate.core.mixed import area_downsample

_UNUSED = 128
"""Grey of pixels that belong to no cell: the DC level at which a JPEG block costs least."""


def region_boxes(grid: RegionGrid, chosen: Mask) -> Iterator[tuple[int, int, int, int]]:
    """`(top, left, bottom, right)` of the chosen regions in raster order, clipped to the frame."""
    return (grid.box(row, column) for row, column in np.argwhere(chosen).tolist())


def frame_layout(grid: RegionGrid) -> Layout:
    """The layout of the frame itself: all regions where the camera saw them."""
    boxes = list(region_boxes(grid, np.ones(grid.shape, np.bool_)))
    return Layout(
        size=(grid.height, grid.width),
        corners=tuple((top, left) for top, left, _, _ in boxes),
        tiles=tuple((bottom - top, right - left) for top, left, bottom, right in boxes),
    )


def full_layout(grid: RegionGrid, mask: Mask) -> Layout:
    """The mosaic of the regions that keep their resolution, in raster order."""
    boxes = region_boxes(grid, ~mask)
    return shelf_layout(tuple((bottom - top, right - left) for top, left, bottom, right in boxes))


def low_layout(grid: RegionGrid, mask: Mask) -> Layout:
    """The mosaic of the downsampled regions, in raster order; a pixel partly inside the frame is kept."""
    factor, boxes = grid.downsampling_factor, region_boxes(grid, mask)
    return shelf_layout(
        tuple((-(-(bottom - top) // factor), -(-(right - left) // factor)) for top, left, bottom, right in boxes)
    )


def full_mosaic(pixels: Pixels, grid: RegionGrid, mask: Mask) -> Pixels:
    """Full-resolution regions of a frame `(H, W, 3)` as one picture of `full_layout`'s size."""
    return _pack(_cut(pixels, grid, ~mask), full_layout(grid, mask))


def low_mosaic(pixels: Pixels, grid: RegionGrid, mask: Mask) -> Pixels:
    """Regions of a frame `(H, W, 3)`, averaged over d x d pixels, as one picture of `low_layout`'s size."""
    tiles = (downsample(tile, grid.downsampling_factor) for tile in _cut(pixels, grid, mask))
    return _pack(tiles, low_layout(grid, mask))


def unpack(mosaic: Pixels, layout: Layout, side: int) -> Tiles:
    """The tiles of a mosaic as `(n, side, side, 3)`, filled beyond their real size by edge replication."""
    tiles = np.empty((len(layout.tiles), side, side, 3), np.uint8)
    for cell, (top, left), (height, width) in zip(tiles, layout.corners, layout.tiles, strict=True):
        _spread(mosaic[top : top + height, left : left + width], cell)
    return tiles


def downsample(tile: Pixels, factor: int) -> Pixels:
    """Average `factor x factor` pixels as `core.split_regions` does; a tile that `factor` does not divide is
    filled by edge replication first. `(h, w, 3)` -> `(ceil(h / factor), ceil(w / factor), 3)`.
    """
    height, width = tile.shape[:2]
    missing = -height % factor, -width % factor
    if any(missing):
        tile = np.pad(tile, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
    if factor != 2:
        averaged: Pixels = area_downsample(tile[None], factor)[0]
        return averaged
    # OpenCV rounds half up for 2 x 2 only, and is then ten times faster than numpy.
    half = (tile.shape[1] // 2, tile.shape[0] // 2)
    return np.asarray(cv2.resize(tile, half, interpolation=cv2.INTER_AREA), np.uint8)


def _cut(pixels: Pixels, grid: RegionGrid, chosen: Mask) -> Iterator[Pixels]:
    return (pixels[top:bottom, left:right] for top, left, bottom, right in region_boxes(grid, chosen))


def _pack(tiles: Iterator[Pixels], layout: Layout) -> Pixels:
    mosaic = np.full((*layout.size, 3), _UNUSED, np.uint8)
    for tile, corner in zip(tiles, layout.corners, strict=True):
        _spread(tile, _cell(mosaic, corner, (tile.shape[0], tile.shape[1])))
    return mosaic


def _cell(mosaic: Pixels, corner: tuple[int, int], tile: Size) -> NDArray[np.uint8]:
    (top, left), (height, width) = corner, tile
    return mosaic[top : top + padded(height), left : left + padded(width)]


def _spread(tile: Pixels, cell: NDArray[np.uint8]) -> None:
    """Write a tile into the upper left of a cell at least as large, and repeat its last row and column."""
    height, width = tile.shape[:2]
    cell[:height, :width] = tile
    cell[:height, width:] = tile[:, -1:]
    cell[height:] = cell[height - 1]
