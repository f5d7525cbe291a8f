"""(frame, importance classes, a quality per class) <-> bytes that decode to the whole frame (Hyperion, section III)."""

from collections.abc import Sequence
from dataclasses import dataclass

from foveate.core import ClassMap, Pixels


@dataclass(frozen=True, kw_only=True)
class EncodedClasses:
    """What travels of one frame. `to_bytes` and `from_bytes` are the one stream of it."""

    data: bytes
    """The stream: sizes, the class map where qualities differ, and one JPEG for each quality."""

    @property
    def size_bytes(self) -> int:
        """Compressed size."""
        return len(self.data)


def encode_classes(pixels: Pixels, classes: ClassMap, qualities: Sequence[int]) -> EncodedClasses:
    """Compress a frame so that each 16-pixel patch has the quality of its class.

    `pixels` uint8 `(H, W, 3)`; `classes` uint8 `(ceil(H / 16), ceil(W / 16))`; `qualities`: 1..100, one for each class.
    Raises `InputError` on shapes, classes or qualities that do not fit.
    """
    raise NotImplementedError


def decode_classes(encoded: EncodedClasses | bytes, *, frame_size: tuple[int, int]) -> Pixels:
    """Inverse of `encode_classes` up to the JPEGs' loss: uint8 `(H, W, 3)`. Raises `CodecError` on other bytes."""
    raise NotImplementedError


def thumbnail_bytes(pixels: Pixels) -> int:
    """JPEG bytes of the frame at an eighth of its height and width at the top quality: how dear its content is."""
    raise NotImplementedError
