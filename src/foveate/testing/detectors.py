"""A detector without weights: it finds squares of known colours, exactly and at once."""

import time
from collections.abc import Sequence

import cv2
import numpy as np

from foveate.core import Detections, Mask, MixedFrame, Pixels, RegionGrid, join_regions

COLORS = {"person": (220, 40, 40), "car": (40, 40, 220)}
"""RGB of each class that `FakeDetector` knows."""
_TOLERANCE = 60
_LEAST_AREA = 16


class FakeDetector:
    """A `DetectorLike` of regions of 64 x 64 pixels. `inference_s` is how long it pretends to think."""

    def __init__(self, *, name: str = "fake", inference_s: float = 0.0) -> None:
        self.name = name
        self.weights_hash = f"hash-of-{name}"
        self.class_names = tuple(COLORS)
        self.score_threshold = 0.5
        self.restoration_points = range(5)
        self._inference_s = inference_s

    def region_grid(self, height: int, width: int) -> RegionGrid:
        """Windows of 2 tokens, factor 2, patches of 16 pixels."""
        return RegionGrid(height=height, width=width, window_size=2)

    def detect_batch(
        self,
        frames: Sequence[Pixels | MixedFrame],
        downsampling_masks: Sequence[Mask | None] | None = None,  # noqa: ARG002  # not needed to see colours
        restoration_points: Sequence[int] | None = None,  # noqa: ARG002
        *,
        score_threshold: float | None = None,
    ) -> list[Detections]:
        """Bounding boxes of the squares of each frame."""
        time.sleep(self._inference_s)
        threshold = self.score_threshold if score_threshold is None else score_threshold
        return [self._detect(frame).above(threshold) for frame in frames]

    def _detect(self, frame: Pixels | MixedFrame) -> Detections:
        pixels = join_regions(frame) if isinstance(frame, MixedFrame) else frame
        boxes, class_id = [], []
        for index, color in enumerate(COLORS.values()):
            near = (np.abs(pixels.astype(np.int16) - color).max(axis=2) < _TOLERANCE).astype(np.uint8)
            _, _, stats, _ = cv2.connectedComponentsWithStats(near)
            for x, y, width, height, area in stats[1:]:
                if area >= _LEAST_AREA:
                    boxes.append((x, y, x + width, y + height))
                    class_id.append(index)
        return Detections(
            boxes=np.array(boxes, np.float32),
            scores=np.full(len(boxes), 0.9, np.float32),
            class_id=np.array(class_id, np.int32),
            class_names=self.class_names,
        )
