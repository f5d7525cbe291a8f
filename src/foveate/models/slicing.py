"""Large frames in overlapping slices (Akyon et al. 2022, SAHI), all slices of a frame in one batch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from foveate.core import Detections, InputError, Mask, Pixels, check_pixels, join_detections
from foveate.models.mixed_detector import MixedDetector
from foveate.models.nms import nms

Corner = tuple[int, int]
"""`(top, left)` of a slice, pixels of the frame."""


@dataclass(frozen=True, kw_only=True)
class Slicing:
    """How frames are cut and put together. Raises `InputError` for sides or overlaps that cannot be."""

    side: int = 1024
    """Height and width of a slice, pixels; a smaller frame is one slice."""
    overlap: float = 0.25
    """Least share of its side that a slice has in common with the next one."""
    merge_iou: float = 0.25
    """Of two boxes of a class that overlap by more, the one with the lower score is dropped."""

    def __post_init__(self) -> None:
        if self.side < 32 or not 0 <= self.overlap < 1 or not 0 < self.merge_iou <= 1:
            raise InputError(
                "slices need sides of at least 32 pixels, an overlap in [0, 1) and a merge_iou in (0, 1], "
                f"got {self.side}, {self.overlap} and {self.merge_iou}"
            )

    def corners(self, height: int, width: int) -> list[Corner]:
        """Upper left corners of the slices that cover a frame; the last ones end at its border."""
        return [(top, left) for top in self._starts(height) for left in self._starts(width)]

    def _starts(self, length: int) -> list[int]:
        last = max(0, length - self.side)
        step = max(1, self.side - int(self.side * self.overlap))
        return [*range(0, last, step), last]


def slice_frame(pixels: Pixels, slicing: Slicing) -> list[Pixels]:
    """The slices of a frame uint8 `(H, W, 3)`, in the order of `slicing.corners`."""
    height, width = check_pixels(pixels).shape[:2]
    side = slicing.side
    return [
        np.ascontiguousarray(pixels[top : top + side, left : left + side])
        for top, left in slicing.corners(height, width)
    ]


def detect_in_slices(
    detector: MixedDetector,
    pixels: Pixels,
    slicing: Slicing | None = None,
    *,
    downsampling_masks: Sequence[Mask | None] | None = None,
    restoration_points: Sequence[int] | None = None,
    score_threshold: float | None = None,
) -> Detections:
    """Objects of a frame, found slice by slice in one batch and merged by suppression; boxes in pixels of the frame.

    Masks and points: one for each slice, as in `Detector.detect_batch`, so that slices may be of mixed resolution.
    """
    chosen = slicing or Slicing()
    slices = slice_frame(pixels, chosen)
    parts = detector.detect_batch(slices, downsampling_masks, restoration_points, score_threshold=score_threshold)
    return merge_slices(parts, chosen.corners(*pixels.shape[:2]), chosen.merge_iou)


def merge_slices(parts: Sequence[Detections], corners: Sequence[Corner], merge_iou: float) -> Detections:
    """Detections of slices, moved to the frame by their corners and merged by suppression per class."""
    found = join_detections([part.moved(*corner) for part, corner in zip(parts, corners, strict=True)])
    boxes, scores, class_id = (torch.from_numpy(values) for values in (found.boxes, found.scores, found.class_id))
    return found.select(nms(boxes, scores, class_id, merge_iou).numpy())
