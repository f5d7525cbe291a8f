"""One small picture at its own size, as JPEG or PNG in memory."""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np

from foveate.codec.jpeg import decode_jpeg, encode_jpeg
from foveate.core import CodecError, InputError, Pixels, check_pixels

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_SIZE = slice(16, 24)
"""Width and height in the first chunk."""


@dataclass(frozen=True, kw_only=True)
class PictureCoding:
    """How pictures are compressed. Raises `InputError` on a quality outside 1..100."""

    quality: int | None = 90
    """Of a JPEG with half as much colour a side; None = PNG, which loses nothing."""

    def __post_init__(self) -> None:
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise InputError(f"JPEG quality must lie in 1..100, got {self.quality}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """`jpeg:QUALITY` or `png`. Raises `InputError` on anything else."""
        kind, _, quality = text.partition(":")
        if kind == "png" and not quality:
            return cls(quality=None)
        if kind == "jpeg" and quality.isdecimal():
            return cls(quality=int(quality))
        raise InputError(f"a coding is jpeg:QUALITY or png, got {text!r}")

    def __str__(self) -> str:
        return "png" if self.quality is None else f"jpeg:{self.quality}"


def encode_picture(pixels: Pixels, coding: PictureCoding) -> bytes:
    """RGB pixels `(H, W, 3)` -> bytes."""
    if coding.quality is not None:
        return encode_jpeg(check_pixels(pixels), quality=coding.quality)
    _, data = cv2.imencode(".png", cv2.cvtColor(check_pixels(pixels), cv2.COLOR_RGB2BGR))
    return data.tobytes()


def decode_picture(data: bytes, *, size: tuple[int, int]) -> Pixels:
    """The inverse of `encode_picture`, for either coding. Raises `CodecError` unless it is such a picture of `size`."""
    if not data.startswith(_PNG):
        return decode_jpeg(data, size=size)
    width, height = np.frombuffer(data[_PNG_SIZE].ljust(8, b"\0"), ">u4").tolist()
    if (height, width) != size:
        raise CodecError(f"expected a PNG of {size[0]} x {size[1]}, got {height} x {width}")
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    if picture is None or picture.shape[:2] != size:
        raise CodecError(f"damaged PNG of {len(data)} bytes")
    return np.asarray(picture, np.uint8)
