"""The sliced frame as a reference beside the whole one: `models.detect_in_slices` without pieces of cut objects."""

import numpy as np
import torch
from numpy.typing import NDArray

from foveate.core import Detections, Pixels, Slicing, join_detections
from foveate.metrics.matching import areas, intersections
from foveate.models import MixedDetector, nms, slice_frame

Flags = NDArray[np.bool_]

BORDER = 2.0
"""A box that comes nearer to the border of its slice, in pixels, may go on beyond it."""
MOST_OF_A_PIECE = 0.5
"""Share of a cut box that lies on the whole object."""


REFERENCE = Slicing(merge_iou=0.5)
"""How the reference cuts frames; merging at the papers' 0.25 would lose people who stand close together."""


def detect_in_slices(
    detector: MixedDetector, pixels: Pixels, slicing: Slicing, *, score_threshold: float | None = None
) -> Detections:
    """Objects of a frame, found slice by slice and merged by suppression; boxes in pixels of the frame."""
    slices = slice_frame(pixels, slicing)
    height, width = pixels.shape[:2]
    corners = slicing.corners(height, width)
    found = detector.detect_batch(slices, score_threshold=score_threshold)
    parts = [part.moved(*corner) for part, corner in zip(found, corners, strict=True)]
    cut = np.concatenate(
        [
            _is_cut(part.boxes, corner, slicing.side, (height, width))
            for part, corner in zip(parts, corners, strict=True)
        ]
    )
    return _without_pieces(*_merged(join_detections(parts), cut, slicing))


def _is_cut(boxes: NDArray[np.float32], corner: tuple[int, int], side: int, frame: tuple[int, int]) -> Flags:
    """`(n,)`: boxes that end where their slice ends, but not at the border of the frame."""
    (top, left), (height, width) = corner, frame
    near, far = np.array([left, top], np.float32), np.array([left + side, top + side], np.float32)
    starts = (near > 0) & (boxes[:, :2] <= near + BORDER)
    ends = (far < (width, height)) & (boxes[:, 2:] >= far - BORDER)
    return np.asarray((starts | ends).any(axis=1))


def _merged(found: Detections, cut: Flags, slicing: Slicing) -> tuple[Detections, Flags]:
    boxes, scores, class_id = (torch.from_numpy(v) for v in (found.boxes, found.scores, found.class_id))
    kept = nms(boxes, scores, class_id, slicing.merge_iou).numpy()
    return found.select(kept), cut[kept]


def _without_pieces(found: Detections, cut: Flags) -> Detections:
    """Without cut boxes of which most lies on a larger box of their class: the next slice saw the whole object."""
    sizes = areas(found.boxes)
    on_larger = intersections(found.boxes, found.boxes) >= MOST_OF_A_PIECE * sizes[:, None]
    on_larger = on_larger & (sizes[:, None] < sizes[None]) & (found.class_id[:, None] == found.class_id[None])
    return found.select(~(cut & on_larger.any(axis=1)))
