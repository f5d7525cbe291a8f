"""Pictures on disk, whoever wrote them: upright RGB of the size that their boxes are for."""

from pathlib import Path

import numpy as np
import simplejpeg

from foveate.codec.image import read_image
from foveate.core import MediaError, Pixels

_JPEG, _EXIF = b"\xff\xd8", b"Exif\0\0"
_HEADER = 1 << 16
"""Bytes at the beginning of a file in which a camera tells how it was held."""


def read_picture(path: Path, size: tuple[int, int] | None = None) -> Pixels:
    """Decode a file to uint8 `(H, W, 3)` RGB, turned upright as its EXIF tag says.

    `size`: `(height, width)` that its boxes are for; a picture that has it only without being turned stays as it is.
    Raises `MediaError` for a file that is no whole picture, or one of another size.
    """
    data = _bytes(path)
    if not _is_plain(data):
        return read_image(path, size)
    pixels = _decode(data, path)
    return pixels if size in {None, pixels.shape[:2]} else read_image(path, size)


def picture_size(path: Path) -> tuple[int, int]:
    """`(height, width)` of what `read_picture` gives, from the header if that tells; raises `MediaError`."""
    data = _bytes(path)
    if not _is_plain(data):
        height, width = read_image(path).shape[:2]
        return height, width
    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError as error:
        raise MediaError(f"{path}: not a whole JPEG picture ({error})") from error
    return int(height), int(width)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MediaError(f"{path}: not a readable picture ({error.strerror})") from error


def _is_plain(data: bytes) -> bool:
    """Whether it is a JPEG that need not be turned."""
    return data.startswith(_JPEG) and _EXIF not in data[:_HEADER]


def _decode(data: bytes, path: Path) -> Pixels:
    """The pixels of a JPEG as they are stored."""
    try:
        pixels: Pixels = np.asarray(simplejpeg.decode_jpeg(data, "RGB"))
    except ValueError as error:
        raise MediaError(f"{path}: not a whole JPEG picture ({error})") from error
    return pixels
