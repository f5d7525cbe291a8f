"""Large frames in overlapping slices (Akyon et al. 2022, SAHI), all slices of a frame in one batch."""

from collections.abc import Sequence
from dataclasses import dataclass

from foveate.core import Detections, Mask, Pixels
from foveate.models.detector import Detector


@dataclass(frozen=True, kw_only=True)
class Slicing:
    """How frames are cut and put together. Raises `InputError` for sides or overlaps that cannot be."""

    side: int = 1024
    """Height and width of a slice, pixels; a smaller frame is one slice."""
    overlap: float = 0.25
    """Least share of its side that a slice has in common with the next one."""
    merge_iou: float = 0.25
    """Of two boxes of a class that overlap by more, the one with the lower score is dropped."""


def detect_in_slices(
    detector: Detector,
    pixels: Pixels,
    slicing: Slicing | None = None,
    *,
    downsampling_masks: Sequence[Mask | None] | None = None,
    restoration_points: Sequence[int] | None = None,
    score_threshold: float | None = None,
) -> Detections:
    """Objects of a frame, found slice by slice in one batch and merged by suppression; boxes in pixels of the frame.

    Masks and points: one for each slice, as `Detector.detect_batch`, so that slices may be of mixed resolution.
    """
    raise NotImplementedError


def merge_slices(parts: Sequence[Detections], corners: Sequence[tuple[int, int]], merge_iou: float) -> Detections:
    """Detections of slices, moved to the frame by their `(top, left)` corners and merged by suppression."""
    raise NotImplementedError
