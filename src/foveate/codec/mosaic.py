"""A frame as two mosaics, before compression: regions that keep their pixels, and downsampled regions; or both in one.

`full_mosaic`, `low_mosaic` and `joint_mosaic` cut and pack, `unpack` is their common inverse. Tiles are clipped to the
frame on the way out and filled beyond it again on the way in: pixels that do not exist are not sent.
"""

from collections.abc import Iterator, Sequence

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
    return shelf_layout(_full_sizes(grid, mask))


def low_layout(grid: RegionGrid, mask: Mask) -> Layout:
    """The mosaic of the downsampled regions, in raster order; a pixel partly inside the frame is kept."""
    return shelf_layout(_low_sizes(grid, mask))


def joint_layouts(grid: RegionGrid, mask: Mask) -> tuple[Layout, Layout]:
    """One picture of all regions: where those of full resolution lie in it, and the downsampled ones."""
    full = _full_sizes(grid, mask)
    return shelf_layout(full + _low_sizes(grid, mask)).parted(len(full))


def full_mosaic(pixels: Pixels, grid: RegionGrid, mask: Mask, out: Pixels | None = None) -> Pixels:
    """Full-resolution regions of a frame `(H, W, 3)` as one picture of `full_layout`'s size, in `out` if given."""
    layout = full_layout(grid, mask)
    mosaic = _canvas((layout,), out)
    _lay_full(mosaic, pixels, grid, mask, layout)
    return mosaic


def low_mosaic(pixels: Pixels, grid: RegionGrid, mask: Mask, out: Pixels | None = None) -> Pixels:
    """Regions of a frame `(H, W, 3)`, averaged over d x d pixels, as one picture of `low_layout`'s size."""
    layout = low_layout(grid, mask)
    mosaic = _canvas((layout,), out)
    _lay_low(mosaic, pixels, grid, mask, layout)
    return mosaic


def joint_mosaic(pixels: Pixels, grid: RegionGrid, mask: Mask, out: Pixels | None = None) -> Pixels:
    """Regions of both resolutions of a frame `(H, W, 3)` as one picture of the size of `joint_layouts`."""
    full, low = joint_layouts(grid, mask)
    mosaic = _canvas((full, low), out)
    _lay_full(mosaic, pixels, grid, mask, full)
    _lay_low(mosaic, pixels, grid, mask, low)
    return mosaic


def _full_sizes(grid: RegionGrid, mask: Mask) -> tuple[Size, ...]:
    return tuple((bottom - top, right - left) for top, left, bottom, right in region_boxes(grid, ~mask))


def _low_sizes(grid: RegionGrid, mask: Mask) -> tuple[Size, ...]:
    factor, boxes = grid.downsampling_factor, region_boxes(grid, mask)
    return tuple((-(-(bottom - top) // factor), -(-(right - left) // factor)) for top, left, bottom, right in boxes)


def _lay_full(mosaic: Pixels, pixels: Pixels, grid: RegionGrid, mask: Mask, layout: Layout) -> None:
    for (top, left, bottom, right), corner in zip(region_boxes(grid, ~mask), layout.corners, strict=True):
        _spread(pixels[top:bottom, left:right], _cell(mosaic, corner, (bottom - top, right - left)))


def _lay_low(mosaic: Pixels, pixels: Pixels, grid: RegionGrid, mask: Mask, layout: Layout) -> None:
    for box, corner, size in zip(region_boxes(grid, mask), layout.corners, layout.tiles, strict=True):
        top, left, bottom, right = box
        cell = _cell(mosaic, corner, size)
        downsample(pixels[top:bottom, left:right], grid.downsampling_factor, cell[: size[0], : size[1]])
        _fill_beyond(cell, size)


def unpack(mosaic: Pixels, layout: Layout, side: int) -> Tiles:
    """The tiles of a mosaic as `(n, side, side, 3)`, filled beyond their real size by edge replication."""
    tiles = np.empty((len(layout.tiles), side, side, 3), np.uint8)
    for cell, (top, left), (height, width) in zip(tiles, layout.corners, layout.tiles, strict=True):
        _spread(mosaic[top : top + height, left : left + width], cell)
    return tiles


def downsample(tile: Pixels, factor: int, out: Pixels) -> None:
    """Average `factor x factor` pixels as `core.split_regions` does, into `out`; a tile that `factor` does not divide
    is filled by edge replication first. `(h, w, 3)` -> `(ceil(h / factor), ceil(w / factor), 3)`.
    """
    height, width = tile.shape[:2]
    missing = -height % factor, -width % factor
    if any(missing):
        tile = np.pad(tile, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
    if factor != 2:
        out[:] = area_downsample(tile[None], factor)[0]
        return
    # OpenCV rounds half up for 2 x 2 only, and is then ten times faster than numpy.
    cv2.resize(tile, (out.shape[1], out.shape[0]), dst=out, interpolation=cv2.INTER_AREA)


def _canvas(layouts: Sequence[Layout], out: Pixels | None) -> Pixels:
    """Where a mosaic is put together; only what no cell will cover is painted, if there is any."""
    rows, columns = layouts[0].size
    canvas = np.empty((rows, columns, 3), np.uint8) if out is None else out
    cells = (padded(height) * padded(width) for layout in layouts for height, width in layout.tiles)
    if sum(cells) < rows * columns:
        canvas.fill(_UNUSED)
    return canvas


def _cell(mosaic: Pixels, corner: tuple[int, int], tile: Size) -> NDArray[np.uint8]:
    (top, left), (height, width) = corner, tile
    return mosaic[top : top + padded(height), left : left + padded(width)]


def _spread(tile: Pixels, cell: NDArray[np.uint8]) -> None:
    """Write a tile into the upper left of a cell at least as large, and repeat its last row and column."""
    height, width = tile.shape[:2]
    cell[:height, :width] = tile
    _fill_beyond(cell, (height, width))


def _fill_beyond(cell: NDArray[np.uint8], size: Size) -> None:
    """Repeat the last row and column of what fills the upper left of a cell."""
    height, width = size
    if width < cell.shape[1]:
        cell[:height, width:] = cell[:height, width - 1 : width]
    if height < cell.shape[0]:
        cell[height:] = cell[height - 1]
