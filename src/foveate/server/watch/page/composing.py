"""A small picture of a mixed-resolution frame, composed from its tiles."""

import cv2
import numpy as np

from foveate.codec import EncodedFrame, decode_frame, encode_jpeg
from foveate.core import Pixels, Tiles
from foveate.server.watch.page.gallery import View

LONGEST_SIDE = 960
"""Of a picture on the page, pixels."""
_QUALITY = 78


def compose(view: View) -> bytes:
    """The view's frame as a JPEG, at the resolution of its downsampled regions or below. Raises `CodecError`.

    Downsampled tiles are shown as they came, the others reduced to their size: nothing is enlarged.
    """
    return encode_jpeg(_at_most(picture(view), LONGEST_SIDE), quality=_QUALITY)


def picture(view: View) -> Pixels:
    """The frame reduced by d, uint8 `(ceil(H / d), ceil(W / d), 3)`."""
    grid, mask = view.grid, view.mask
    mixed = decode_frame(EncodedFrame(full=view.offload.full, low=view.offload.low), grid=grid, mask=mask)
    factor = grid.downsampling_factor
    side, (rows, columns), flat = grid.region_pixels // factor, grid.shape, mask.reshape(-1)
    tiles = np.empty((len(grid), side, side, 3), np.uint8)
    tiles[flat] = mixed.low
    tiles[~flat] = _reduced(mixed.full, factor)
    whole = tiles.reshape(rows, columns, side, side, 3).transpose(0, 2, 1, 3, 4).reshape(rows * side, columns * side, 3)
    return np.ascontiguousarray(whole[: -(-grid.height // factor), : -(-grid.width // factor)])


def _reduced(tiles: Tiles, factor: int) -> Tiles:
    """`(n, s, s, 3)` -> `(n, s / factor, s / factor, 3)` by area averages: stacked, no tile mixes with the next."""
    count, side = tiles.shape[:2]
    if count == 0 or factor == 1:
        return tiles[:, ::factor, ::factor]
    small = side // factor
    stacked = cv2.resize(tiles.reshape(count * side, side, 3), (small, count * small), interpolation=cv2.INTER_AREA)
    return np.asarray(stacked, np.uint8).reshape(count, small, small, 3)


def _at_most(pixels: Pixels, longest: int) -> Pixels:
    scale = longest / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
