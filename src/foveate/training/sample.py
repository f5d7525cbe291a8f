"""What training is made of: a picture with its boxes, and a batch of such pictures as padded arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from foveate.core import InputError, Pixels, check_pixels


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """A picture with its boxes. Raises `InputError` where lengths disagree."""

    pixels: Pixels
    """uint8 `(H, W, 3)` RGB."""
    boxes: NDArray[np.float32]
    """`(n, 4)` xyxy, pixels."""
    labels: NDArray[np.int64]
    """`(n,)` zero-based classes."""
    ignored: NDArray[np.bool_]
    """`(n,)`; True = neither an object to find nor background of its class."""

    def __post_init__(self) -> None:
        check_pixels(self.pixels)
        lengths = len(self.boxes), len(self.labels), len(self.ignored)
        if len(set(lengths)) > 1 or self.boxes.shape[1:] != (4,):
            raise InputError(
                "a sample needs (n, 4) boxes and as many labels and ignore flags, "
                f"got boxes {self.boxes.shape}, {lengths[1]} labels, {lengths[2]} flags"
            )

    @property
    def size(self) -> tuple[int, int]:
        """`(height, width)` in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Samples of one size. Boxes are padded to the longest list with empty boxes of label -1."""

    images: Pixels
    """uint8 `(B, H, W, 3)` RGB."""
    boxes: NDArray[np.float32]
    """`(B, M, 4)` xyxy of objects, pixels; M >= 1."""
    labels: NDArray[np.int64]
    """`(B, M)`; -1 = padding."""
    ignored_boxes: NDArray[np.float32]
    """`(B, N, 4)` xyxy of ignore regions; N >= 1."""
    ignored_labels: NDArray[np.int64]
    """`(B, N)`; -1 = padding."""

    @classmethod
    def collate(cls, samples: Sequence[Sample]) -> Self:
        """Stack samples of one size."""
        boxes, labels = _pad([(s.boxes[~s.ignored], s.labels[~s.ignored]) for s in samples])
        ignored_boxes, ignored_labels = _pad([(s.boxes[s.ignored], s.labels[s.ignored]) for s in samples])
        return cls(
            images=np.stack([s.pixels for s in samples]),
            boxes=boxes,
            labels=labels,
            ignored_boxes=ignored_boxes,
            ignored_labels=ignored_labels,
        )


def _pad(
    lists: list[tuple[NDArray[np.float32], NDArray[np.int64]]],
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    longest = max(1, *(len(labels) for _, labels in lists))
    boxes = np.zeros((len(lists), longest, 4), np.float32)
    labels = np.full((len(lists), longest), -1, np.int64)
    for row, (some_boxes, some_labels) in enumerate(lists):
        boxes[row, : len(some_labels)] = some_boxes
        labels[row, : len(some_labels)] = some_labels
    return boxes, labels
