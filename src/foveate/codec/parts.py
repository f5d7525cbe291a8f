"""(frame, plan) -> pictures of its parts, and back: crops at their scale, or the whole frame coded by classes."""

from dataclasses import dataclass

import cv2
import numpy as np

from foveate.codec.classes import decode_classes, encode_classes
from foveate.codec.frames import EncodedFrame, encode_frame, scaled_to
from foveate.codec.jpeg import decode_jpeg, encode_jpeg
from foveate.core import InputError, OffloadPlan, Pixels, RegionGrid, View, check_pixels


@dataclass(frozen=True, kw_only=True)
class EncodedPart:
    """One view of a frame, compressed."""

    view: View
    data: bytes
    """The picture of the view's size, compressed."""
    by_class: bool = False
    """Whether `data` is a stream of importance classes in place of one JPEG."""


@dataclass(frozen=True, kw_only=True)
class EncodedParts:
    """What travels of a frame in parts."""

    parts: tuple[EncodedPart, ...]

    @property
    def size_bytes(self) -> int:
        """Compressed size."""
        return sum(len(part.data) for part in self.parts)


def crop(pixels: Pixels, view: View) -> Pixels:
    """The view of a frame `(H, W, 3)`, reduced by area averages. Raises `InputError` if it leaves the frame."""
    check_pixels(pixels)
    if view.bottom > pixels.shape[0] or view.right > pixels.shape[1]:
        raise InputError(f"a view must lie in its frame of {pixels.shape[:2]}, got {view}")
    cut = pixels[view.top : view.bottom, view.left : view.right]
    height, width = view.size
    if cut.shape[:2] == (height, width):
        return cut
    return np.asarray(cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def encode_parts(pixels: Pixels, plan: OffloadPlan) -> EncodedParts:
    """Compress what a plan in parts sends of a frame `(H, W, 3)`. Raises `InputError` on a plan that is not."""
    if plan.class_qualities:
        assert plan.importance_class is not None
        stream = encode_classes(pixels, plan.importance_class, plan.class_qualities).data
        whole = View.whole((pixels.shape[0], pixels.shape[1]))
        return EncodedParts(parts=(EncodedPart(view=whole, data=stream, by_class=True),))
    if not plan.views:
        raise InputError("a plan in parts has views or classes of quality, this one has neither")
    return EncodedParts(
        parts=tuple(
            EncodedPart(view=view, data=encode_jpeg(crop(pixels, view), quality=plan.jpeg_quality))
            for view in plan.views
        )
    )


def encode_plan(pixels: Pixels, *, grid: RegionGrid, plan: OffloadPlan) -> EncodedFrame | EncodedParts:
    """Compress what a plan sends of a frame `(H, W, 3)`; `grid` is that of the picture sent."""
    if plan.in_parts:
        return encode_parts(pixels, plan)
    return encode_frame(
        scaled_to(pixels, grid),
        grid=grid,
        mask=plan.downsampling_mask,
        blank=plan.blank_mask,
        quality=plan.jpeg_quality,
        one_picture=plan.one_picture,
    )


def decode_part(part: EncodedPart) -> Pixels:
    """Pixels of one part, at its scale. Raises `CodecError` on bytes that are no picture of its size."""
    if part.by_class:
        return decode_classes(part.data, frame_size=part.view.size)
    return decode_jpeg(part.data, size=part.view.size)
