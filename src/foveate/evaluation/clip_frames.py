"""Which pictures of an annotation file are frames of a clip."""

from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path

from foveate.codec import is_image
from foveate.core import MediaError
from foveate.metrics import AnnotatedImage

Framed = tuple[int, AnnotatedImage]
"""A picture and its position in the clip."""


def frames_of(
    images: Sequence[AnnotatedImage], *, annotations: Path, clip: Path, size: tuple[int, int]
) -> list[Framed]:
    """Those of `images`, read from `annotations`, that have a position in a clip of `size`, by that position.

    Where a file names several clips, those of this one; a single name may be another, for clips get renamed. `size`:
    `(height, width)`. Raises `MediaError` where boxes are for other clips or for frames of another size.
    """
    framed = _named(sorted(((i.frame, i) for i in images if i.frame is not None), key=itemgetter(0)), annotations, clip)
    for _, image in framed:
        if not _fits(image.size, size):
            wanted, got = (f"{height} x {width}" for height, width in (image.size, size))
            raise MediaError(f"{annotations}: its boxes are for frames of {wanted}, those of {clip} have {got}")
    return framed


def _named(framed: list[Framed], annotations: Path, clip: Path) -> list[Framed]:
    """Those of the clip by their file names; the name of a picture, cut out of whatever clip, tells nothing."""
    names = {Path(image.file_name).name for _, image in framed if not is_image(image.file_name)}
    if len(names) < 2:
        return framed
    if clip.name not in names:
        raise MediaError(
            f"{annotations}: its boxes are for {len(names)} clips, {min(names)} first; none is {clip.name}"
        )
    return [(position, image) for position, image in framed if Path(image.file_name).name == clip.name]


def _fits(told: tuple[int, int], size: tuple[int, int]) -> bool:
    """A side of 0 tells nothing; an odd one may have got a pixel more, as 4:2:0 video needs."""
    return all(one in {0, side, side - 1 + side % 2} for one, side in zip(told, size, strict=True))
