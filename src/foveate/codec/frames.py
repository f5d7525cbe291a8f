"""(frame, mask, quality) <-> bytes: the picture that one offload sends (ViTMAlis, section III-A)."""

from dataclasses import dataclass

import cv2
import numpy as np

from foveate.codec.jpeg import ChromaSubsampling, decode_jpeg, encode_jpeg
from foveate.codec.layout import Layout
from foveate.codec.mosaic import (
    frame_layout,
    full_layout,
    full_mosaic,
    joint_layouts,
    joint_mosaic,
    low_layout,
    low_mosaic,
    unpack,
)
from foveate.codec.scratch import scratch
from foveate.core import CodecError, InputError, Mask, MixedFrame, Pixels, RegionGrid, Tiles, check_pixels

GREY = 114
"""Grey level of blanked regions."""


@dataclass(frozen=True, kw_only=True)
class EncodedFrame:
    """What travels. Sizes and positions inside are not: both ends derive them from the grid and the mask."""

    full: bytes
    """JPEG of the whole frame if nothing is downsampled; else of the mosaic of full-resolution regions, empty
    without any; or, where `low` is empty though regions are downsampled, of the mosaic of all regions."""
    low: bytes = b""
    """JPEG of the mosaic of downsampled regions, empty without any."""

    @property
    def size_bytes(self) -> int:
        """Compressed size."""
        return len(self.full) + len(self.low)


def encode_frame(
    pixels: Pixels,
    *,
    grid: RegionGrid,
    mask: Mask | None = None,
    blank: Mask | None = None,
    quality: int,
    one_picture: bool = False,
    colorsubsampling: ChromaSubsampling = "420",
) -> EncodedFrame:
    """Compress a frame: as one plain JPEG, or as two mosaics where `mask` (True = low) names any region.

    `pixels`: uint8 `(H, W, 3)` of the grid's size. Regions in `blank` are painted grey first. With `one_picture` the
    regions of both resolutions share a mosaic. Raises `InputError` on sizes or a quality that do not fit.
    """
    check_pixels(pixels)
    if pixels.shape[:2] != (grid.height, grid.width):
        raise InputError(f"the grid is for {grid.height} x {grid.width}, got a frame of {pixels.shape[:2]}")
    low = grid.check_mask(mask)
    if blank is not None:
        pixels = _painted(pixels, grid, grid.check_mask(blank))
    if not low.any():
        return EncodedFrame(full=encode_jpeg(pixels, quality=quality, colorsubsampling=colorsubsampling))
    if one_picture:
        mosaic = joint_mosaic(pixels, grid, low, scratch("joint mosaic", joint_layouts(grid, low)[0].size))
        return EncodedFrame(full=encode_jpeg(mosaic, quality=quality, colorsubsampling=colorsubsampling))
    mosaics = (
        full_mosaic(pixels, grid, low, scratch("full mosaic", full_layout(grid, low).size)),
        low_mosaic(pixels, grid, low, scratch("low mosaic", low_layout(grid, low).size)),
    )
    full_bytes, low_bytes = (
        encode_jpeg(mosaic, quality=quality, colorsubsampling=colorsubsampling) if mosaic.size else b""
        for mosaic in mosaics
    )
    return EncodedFrame(full=full_bytes, low=low_bytes)


def scaled_to(pixels: Pixels, grid: RegionGrid) -> Pixels:
    """The frame at the grid's size: itself, or reduced by area averages."""
    if pixels.shape[:2] == (grid.height, grid.width):
        return pixels
    return np.asarray(cv2.resize(pixels, (grid.width, grid.height), interpolation=cv2.INTER_AREA), np.uint8)


def _painted(pixels: Pixels, grid: RegionGrid, blank: Mask) -> Pixels:
    """A copy with the `blank` regions in one grey, near the mean colour of pictures."""
    painted = pixels.copy()
    for row, column in np.argwhere(blank):
        top, left, bottom, right = grid.box(int(row), int(column))
        painted[top:bottom, left:right] = GREY
    return painted


def decode_frame(encoded: EncodedFrame, *, grid: RegionGrid, mask: Mask | None = None) -> MixedFrame:
    """Inverse of `encode_frame` up to the JPEG's loss, given the same grid and mask.

    Tiles are filled beyond the frame from the nearest decoded pixel. Raises `CodecError` where the bytes are
    not the JPEGs that grid and mask call for; no picture is decoded before its header shows the right size.
    """
    low = grid.check_mask(mask)
    side = grid.region_pixels
    if low.any() and not encoded.low:
        return _decode_joint(encoded.full, grid, low)
    layout = full_layout(grid, low) if low.any() else frame_layout(grid)
    return MixedFrame(
        grid=grid,
        mask=low,
        full=_decode_tiles("full", encoded.full, layout, side),
        low=_decode_tiles("low", encoded.low, low_layout(grid, low), side // grid.downsampling_factor),
    )


def _decode_joint(data: bytes, grid: RegionGrid, low: Mask) -> MixedFrame:
    """Tiles of both resolutions from one picture."""
    layouts, side = joint_layouts(grid, low), grid.region_pixels
    picture = decode_jpeg(data, size=layouts[0].size, out=scratch("decoded", layouts[0].size))
    return MixedFrame(
        grid=grid,
        mask=low,
        full=unpack(picture, layouts[0], side),
        low=unpack(picture, layouts[1], side // grid.downsampling_factor),
    )


def _decode_tiles(name: str, data: bytes, layout: Layout, side: int) -> Tiles:
    if not layout.tiles and not data:
        return np.zeros((0, side, side, 3), np.uint8)
    if not layout.tiles or not data:
        raise CodecError(f"the mask names {len(layout.tiles)} {name} regions, got {len(data)} bytes of them")
    return unpack(decode_jpeg(data, size=layout.size, out=scratch("decoded", layout.size)), layout, side)
