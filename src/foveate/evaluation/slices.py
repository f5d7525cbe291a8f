"""Large frames in overlapping slices (Akyon et al. 2022, SAHI), all slices of a frame in one batch.

What a model without mixed resolution does about small objects at 4K; here the reference beside the whole frame.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from foveate.core import Detections, InputError, Pixels, check_pixels
from foveate.metrics.matching import areas, intersections
from foveate.models import MixedDetector, nms

Flags = NDArray[np.bool_]

BORDER = 2.0
"""A box that comes nearer to the border of its slice, in pixels, may go on beyond it."""
MOST_OF_A_PIECE = 0.5
"""Share of a cut box that lies on the whole object."""


@dataclass(frozen=True, kw_only=True)
class Slicing:
    """How frames are cut and put together. Raises `InputError` for sides or overlaps that cannot be."""

    side: int = 1024
    """Height and width of a slice, pixels; a smaller frame is one slice."""
    overlap: float = 0.25
    """Least share of its side that a slice has in common with the next one."""
    merge_iou: float = 0.5
    """Of two boxes of a class that overlap by more, the one with the lower score is dropped."""

    def __post_init__(self) -> None:
        if self.side < 32 or not 0 <= self.overlap < 1 or not 0 < self.merge_iou <= 1:
            raise InputError(
                "slices need sides of at least 32 pixels, an overlap in [0, 1) and a merge_iou in (0, 1], "
                f"got {self.side}, {self.overlap} and {self.merge_iou}"
            )

    def corners(self, height: int, width: int) -> list[tuple[int, int]]:
        """Upper left corners (top, left) of the slices that cover a frame; the last ones end at its border."""
        return [(top, left) for top in self._starts(height) for left in self._starts(width)]

    def _starts(self, length: int) -> list[int]:
        last = max(0, length - self.side)
        step = max(1, int(self.side * (1 - self.overlap)))
        return [*range(0, last, step), last]


def detect_in_slices(
    detector: MixedDetector, pixels: Pixels, slicing: Slicing, *, score_threshold: float | None = None
) -> Detections:
    """Objects of a frame, found slice by slice and merged by suppression; boxes in pixels of the frame."""
    height, width = check_pixels(pixels).shape[:2]
    corners = slicing.corners(height, width)
    cuts = [pixels[top : top + slicing.side, left : left + slicing.side] for top, left in corners]
    found = detector.detect_batch([np.ascontiguousarray(cut) for cut in cuts], score_threshold=score_threshold)
    parts = [_moved(part, top, left) for part, (top, left) in zip(found, corners, strict=True)]
    cut = np.concatenate(
        [
            _is_cut(part.boxes, corner, slicing.side, (height, width))
            for part, corner in zip(parts, corners, strict=True)
        ]
    )
    return _without_pieces(*_merged(_joined(parts), cut, slicing))


def _moved(found: Detections, top: int, left: int) -> Detections:
    offset = np.array([left, top, left, top], np.float32)
    return Detections(
        boxes=found.boxes + offset, scores=found.scores, class_id=found.class_id, class_names=found.class_names
    )


def _joined(parts: list[Detections]) -> Detections:
    return Detections(
        boxes=np.concatenate([part.boxes for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
        class_id=np.concatenate([part.class_id for part in parts]),
        class_names=parts[0].class_names,
    )


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
