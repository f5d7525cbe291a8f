"""A textured world whose true motion is known: a camera looks at a part of a large picture of noise."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from foveate.core import Detections, Pixels

NAMES = ("person", "car")
View = Callable[..., Pixels]


@pytest.fixture(scope="session")
def view() -> View:
    """`view(x, y, zoom, size)`: RGB of the part of the world around (x, y), the middle of the picture."""
    rng, world = np.random.default_rng(0), np.zeros((1800, 2400, 3), np.float32)
    for coarse in (6, 24, 96):
        noise = rng.uniform(0, 85, (1800 // coarse, 2400 // coarse, 3)).astype(np.float32)
        world += cv2.resize(noise, (2400, 1800), interpolation=cv2.INTER_CUBIC)
    world = world.clip(0, 255).astype(np.uint8)

    def look(x: float = 0.0, y: float = 0.0, zoom: float = 1.0, size: tuple[int, int] = (720, 1280)) -> Pixels:
        height, width = size
        to_world = np.array([[1 / zoom, 0, 1200 + x - width / 2 / zoom], [0, 1 / zoom, 900 + y - height / 2 / zoom]])
        return cv2.warpAffine(world, to_world, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)

    return look


@pytest.fixture
def found() -> Callable[..., Detections]:
    """`found(box, box, ...)`: detections with falling scores and alternating classes."""

    def make(*boxes: tuple[float, float, float, float]) -> Detections:
        count = len(boxes)
        return Detections(
            boxes=np.array(boxes, np.float32),
            scores=np.linspace(0.9, 0.5, count),
            class_id=np.arange(count) % 2,
            class_names=NAMES,
        )

    return make
