"""Which pictures of an annotation file are frames of a clip."""

from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path

from foveate.core import MediaError
from foveate.metrics import AnnotatedImage


def frames_of(
    images: Sequence[AnnotatedImage], *, annotations: Path, clip: Path, size: tuple[int, int]
) -> list[tuple[int, AnnotatedImage]]:
    """Those of `images`, read from `annotations`, that have a position in a clip of `size`, by that position.

    `size`: `(height, width)`. Raises `MediaError` where boxes are for frames of another one.
    """
    framed = sorted(((i.frame, i) for i in images if i.frame is not None), key=itemgetter(0))
    for _, image in framed:
        if not _fits(image.size, size):
            wanted, got = (f"{height} x {width}" for height, width in (image.size, size))
            raise MediaError(f"{annotations}: its boxes are for frames of {wanted}, those of {clip} have {got}")
    return framed


def _fits(told: tuple[int, int], size: tuple[int, int]) -> bool:
    """A side of 0 tells nothing; an odd one may have got a pixel more, as 4:2:0 video needs."""
    return all(one in {0, side, side - 1 + side % 2} for one, side in zip(told, size, strict=True))
