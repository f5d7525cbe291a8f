"""One JPEG in and out of memory. What arrives from a network is judged by its header before it is decoded."""

from typing import Literal

import numpy as np
import simplejpeg

from foveate.codec.layout import Size
from foveate.core import CodecError, InputError, Pixels, check_pixels

ChromaSubsampling = Literal["444", "422", "420"]
"""Chroma samples kept: all, every second column, every second column and row."""

_START_OF_SCAN = b"\xff\xda"
_MOST_SCANS = 8
"""Our own files have one. A progressive file can hold thousands, each as costly to decode as a picture."""


def encode_jpeg(pixels: Pixels, *, quality: int, colorsubsampling: ChromaSubsampling = "420") -> bytes:
    """A baseline JPEG of RGB pixels `(H, W, 3)`.

    Raises `InputError` on a quality outside 1..100, on anything but pixels, and on a side over JPEG's 65,500 of them.
    """
    if not 1 <= quality <= 100:
        raise InputError(f"JPEG quality must lie in 1..100, got {quality}")
    if max(check_pixels(pixels).shape[:2]) > 65500:
        raise InputError(f"a JPEG has at most 65,500 pixels a side, got {pixels.shape[0]} x {pixels.shape[1]}")
    whole = np.ascontiguousarray(pixels)
    data: bytes = simplejpeg.encode_jpeg(whole, quality=quality, colorsubsampling=colorsubsampling)
    return data


def decode_jpeg(data: bytes, *, size: Size, out: Pixels | None = None) -> Pixels:
    """RGB pixels `(*size, 3)`, in `out` if given.

    Raises `CodecError` on anything but an intact colour JPEG of that size.
    Chroma is enlarged by repetition: interpolation would carry colour across the border of two tiles.
    """
    try:
        height, width, colour, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError as error:
        raise CodecError(f"{len(data)} bytes are not a JPEG: {error}") from error
    if (height, width) != size or colour != "YCbCr":
        raise CodecError(f"expected a YCbCr JPEG of {size[0]} x {size[1]}, got {colour} of {height} x {width}")
    if data.count(_START_OF_SCAN) > _MOST_SCANS:
        raise CodecError(f"expected a JPEG of one scan, got more than {_MOST_SCANS}")
    try:
        pixels: Pixels = simplejpeg.decode_jpeg(data, fastupsample=True, buffer=out)
    except ValueError as error:
        raise CodecError(f"damaged JPEG of {len(data)} bytes: {error}") from error
    return pixels
