"""Large frames in overlapping slices (Akyon et al. 2022, SAHI), all slices of a frame in one batch."""

from collections.abc import Sequence

import numpy as np
import torch

from foveate.core import Detections, Mask, Pixels, Slicing, check_pixels, join_detections
from foveate.models.mixed_detector import MixedDetector
from foveate.models.nms import nms

Corner = tuple[int, int]
"""`(top, left)` of a slice, pixels of the frame."""


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
