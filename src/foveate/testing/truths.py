"""Exact truth of `moving_squares`, as a file beside a clip."""

from pathlib import Path

import numpy as np

from foveate.core import Detections
from foveate.metrics import AnnotatedImage, Truth, write_coco
from foveate.testing.detectors import COLORS
from foveate.testing.videos import SIDE


def write_square_truth(path: Path, *, frames: int, size: tuple[int, int] = (128, 192), speed: int = 2) -> Path:
    """Boxes of the squares of `moving_squares(frames, size, speed)` as COCO JSON."""
    height, width = size
    images = []
    for index in range(frames):
        corners = [
            ((8 + 40 * row + speed * index) % (width - SIDE), 16 + row * height // 2) for row in range(len(COLORS))
        ]
        objects = Detections(
            boxes=np.array([[x, y, x + SIDE, y + SIDE] for x, y in corners], np.float32),
            scores=np.ones(len(corners), np.float32),
            class_id=np.arange(len(corners), dtype=np.int32),
            class_names=tuple(COLORS),
        )
        images.append(AnnotatedImage(file_name=f"{index}.jpg", size=size, frame=index, truth=Truth(detections=objects)))
    write_coco(path, images)
    return path
