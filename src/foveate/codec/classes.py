"""(frame, importance classes, a quality per class) <-> one stream of the whole frame (Hyperion, section III).

Patches of one quality stand in raster order in one mosaic, each on its own 16 x 16 pixels: the largest block of a JPEG
with 4:2:0 chroma. No block holds pixels of two patches, and a patch decodes exactly as in a frame of its quality. Why
mosaics: docs/results.md, "Hyperion's parts".

    magic, height, width, number of mosaics, bytes of the map | bytes of each mosaic | map | mosaics, rising in quality

With one quality there is no map and the frame itself is the only picture.
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from foveate.codec.jpeg import decode_jpeg, encode_jpeg
from foveate.codec.layout import Size
from foveate.core import (
    CLASS_QUALITIES,
    PATCH,
    ClassMap,
    CodecError,
    InputError,
    Pixels,
    check_class_map,
    check_pixels,
    patch_grid,
)

_HEADER = struct.Struct("<4sHHBI")
_MAGIC = b"fvc1"
_UNUSED = 128
"""Grey of the last mosaic row's unused patches: the level at which a block costs least."""
_ROW = np.dtype((np.void, PATCH * 3))
"""One row of pixels of a patch, moved as one piece."""

THUMBNAIL_FACTOR = 8
"""Along each axis."""


@dataclass(frozen=True, kw_only=True)
class EncodedClasses:
    """What travels of one frame."""

    data: bytes
    """The stream."""

    @property
    def size_bytes(self) -> int:
        """Compressed size."""
        return len(self.data)


def encode_classes(pixels: Pixels, classes: ClassMap, qualities: Sequence[int]) -> EncodedClasses:
    """Compress a frame so that each 16-pixel patch has the quality of its class.

    `pixels` uint8 `(H, W, 3)`; `classes` uint8 `(ceil(H / 16), ceil(W / 16))`; `qualities`: 1..100, one for each class.
    Raises `InputError` on shapes, classes or qualities that do not fit.
    """
    height, width = check_pixels(pixels).shape[:2]
    if max(height, width) > 65500:
        raise InputError(f"a frame has at most 65,500 pixels a side here, got {height} x {width}")
    check_class_map(classes, frame_size=(height, width), count=len(qualities))
    chosen = np.asarray(qualities, np.int64)[classes]
    used = np.unique(chosen)
    if len(used) == 1:
        return _stream((height, width), b"", [encode_jpeg(pixels, quality=int(used[0]))])
    mosaic_of = np.searchsorted(used, chosen).astype(np.uint8)
    rows = _pixel_rows(pixels)
    pictures = [
        encode_jpeg(_mosaic(rows, np.flatnonzero(mosaic_of == number)), quality=int(quality))
        for number, quality in enumerate(used)
    ]
    return _stream((height, width), zlib.compress(mosaic_of.tobytes()), pictures)


def decode_classes(encoded: EncodedClasses | bytes, *, frame_size: Size) -> Pixels:
    """Inverse of `encode_classes` up to the JPEGs' loss: uint8 `(H, W, 3)`.

    Raises `CodecError` on anything but an intact stream of a frame of that size; no picture is decoded before its
    header shows the size that the map calls for.
    """
    data = encoded if isinstance(encoded, bytes) else encoded.data
    packed_map, pictures = _parts(data, frame_size)
    if len(pictures) == 1:
        return decode_jpeg(pictures[0], size=frame_size)
    mosaic_of = _read_map(packed_map, patch_grid(*frame_size), len(pictures))
    rows, columns = mosaic_of.shape
    canvas = np.empty((rows, PATCH, columns), _ROW)
    for number, picture in enumerate(pictures):
        patches = np.flatnonzero(mosaic_of == number)
        size = _mosaic_size(len(patches), columns)
        mosaic = _pixel_rows(decode_jpeg(picture, size=(size[0] * PATCH, size[1] * PATCH)))
        _put(canvas, patches, mosaic)
    height, width = frame_size
    whole = canvas.reshape(-1).view(np.uint8).reshape(rows * PATCH, columns * PATCH, 3)
    return np.ascontiguousarray(whole[:height, :width])


def class_sizes(pixels: Pixels, classes: ClassMap, count: int, qualities: Sequence[int]) -> NDArray[np.int64]:
    """Bytes `(count, qualities)` of the mosaic of each class at each quality; 0 for a class without patches.

    Their sum over the classes of a choice is about the size of its stream, so that one encoding for each class and
    quality stands for all combinations.
    """
    height, width = check_pixels(pixels).shape[:2]
    check_class_map(classes, frame_size=(height, width), count=count)
    rows, sizes = _pixel_rows(pixels), np.zeros((count, len(qualities)), np.int64)
    for number in np.unique(classes).tolist():
        mosaic = _mosaic(rows, np.flatnonzero(classes == number))
        sizes[number] = [len(encode_jpeg(mosaic, quality=quality)) for quality in qualities]
    return sizes


def _stream(frame_size: Size, packed_map: bytes, pictures: list[bytes]) -> EncodedClasses:
    header = _HEADER.pack(_MAGIC, *frame_size, len(pictures), len(packed_map))
    lengths = struct.pack(f"<{len(pictures)}I", *map(len, pictures))
    return EncodedClasses(data=b"".join([header, lengths, packed_map, *pictures]))


def _parts(data: bytes, frame_size: Size) -> tuple[bytes, list[bytes]]:
    """The packed map and the pictures of a stream."""
    if len(data) < _HEADER.size:
        raise CodecError(f"a frame of classes has at least {_HEADER.size} bytes, got {len(data)}")
    magic, height, width, count, map_bytes = _HEADER.unpack_from(data)
    if magic != _MAGIC or (height, width) != frame_size or not count:
        raise CodecError(f"expected a {_MAGIC!r} stream of {frame_size}, got {magic!r} of {(height, width)}")
    start = _HEADER.size + 4 * count
    lengths = struct.unpack_from(f"<{count}I", data, _HEADER.size) if len(data) >= start else ()
    if start + map_bytes + sum(lengths) != len(data) or not lengths:
        raise CodecError(f"the parts of a frame of classes do not add up to its {len(data)} bytes")
    ends = np.cumsum([start, map_bytes, *lengths]).tolist()
    pieces = [data[a:b] for a, b in pairwise(ends)]
    return pieces[0], pieces[1:]


def _read_map(packed: bytes, shape: tuple[int, int], count: int) -> NDArray[np.uint8]:
    """Which mosaic each patch is in."""
    unpacker, wanted = zlib.decompressobj(), shape[0] * shape[1]
    try:
        unpacked = unpacker.decompress(packed, wanted + 1)
    except zlib.error as error:
        raise CodecError(f"a class map of {len(packed)} bytes cannot be unpacked: {error}") from error
    mosaic_of = np.frombuffer(unpacked, np.uint8)
    if len(mosaic_of) != wanted or len(np.unique(mosaic_of)) != count or int(mosaic_of.max()) != count - 1:
        raise CodecError(f"expected a map of {wanted} patches to {count} mosaics, got one of {len(mosaic_of)} patches")
    return mosaic_of.reshape(shape)


def _pixel_rows(pixels: Pixels) -> NDArray[np.void]:
    """A picture `(H, W, 3)`, edge-replicated to whole patches, as `(rows, 16, columns)` of pixel rows of patches."""
    height, width = pixels.shape[:2]
    rows, columns = patch_grid(height, width)
    missing = ((0, rows * PATCH - height), (0, columns * PATCH - width), (0, 0))
    whole = np.pad(pixels, missing, mode="edge") if missing[0][1] or missing[1][1] else np.ascontiguousarray(pixels)
    return whole.reshape(-1).view(_ROW).reshape(rows, PATCH, columns)


def _mosaic_size(patches: int, columns: int) -> tuple[int, int]:
    """Rows and columns of the mosaic of so many patches: the widest that leaves the fewest places unused."""
    widest = min(patches, columns)
    width = min(range(widest, max(1, widest // 2) - 1, -1), key=lambda w: -patches % w)
    return -(-patches // width), width


def _places(patches: NDArray[np.int64], columns: int) -> NDArray[np.int64]:
    """Where the pixel rows of a mosaic lie in a flat `(rows, 16, columns)` frame, in the mosaic's order."""
    height, width = _mosaic_size(len(patches), columns)
    top, left = np.divmod(np.pad(patches, (0, height * width - len(patches))), columns)
    corners = (top * PATCH * columns + left).reshape(height, 1, width)
    return (corners + np.arange(PATCH)[:, None] * columns).reshape(-1)


def _unused(patches: int, columns: int) -> NDArray[np.bool_]:
    """Which pixel rows of a mosaic belong to no patch."""
    height, width = _mosaic_size(patches, columns)
    unused = np.zeros((height, PATCH, width), np.bool_)
    unused[-1, :, width - (height * width - patches) :] = True
    return unused.reshape(-1)


def _mosaic(rows: NDArray[np.void], patches: NDArray[np.int64]) -> Pixels:
    """The patches, named in raster order, as one picture."""
    columns = rows.shape[2]
    height, width = _mosaic_size(len(patches), columns)
    mosaic = rows.reshape(-1).take(_places(patches, columns)).view(np.uint8).reshape(-1, _ROW.itemsize)
    if height * width > len(patches):
        mosaic[_unused(len(patches), columns)] = _UNUSED
    return mosaic.reshape(height * PATCH, width * PATCH, 3)


def _put(canvas: NDArray[np.void], patches: NDArray[np.int64], mosaic: NDArray[np.void]) -> None:
    """Inverse of `_mosaic`, into the pixel rows of a whole frame."""
    columns = canvas.shape[2]
    places, taken = _places(patches, columns), mosaic.reshape(-1)
    if len(places) > len(patches) * PATCH:
        used = ~_unused(len(patches), columns)
        places, taken = places[used], taken[used]
    canvas.reshape(-1)[places] = taken


def thumbnail_bytes(pixels: Pixels) -> int:
    """JPEG bytes of a frame at an eighth of its height and width at the top quality: how dear its content is."""
    size = [max(1, side // THUMBNAIL_FACTOR) for side in check_pixels(pixels).shape[1::-1]]
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    return len(encode_jpeg(small, quality=CLASS_QUALITIES[-1]))
