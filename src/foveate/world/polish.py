"""A polished floor: it mirrors the hall, the more the flatter one looks."""

import cv2
import numpy as np
from numpy.typing import NDArray

from foveate.world.camera import Camera
from foveate.world.mesh import Floats
from foveate.world.textures import Picture

_LOW = 0.05
"""What lies lower than this is floor, metres."""
_BLUR = 0.004
"""Standard deviation of the mirrored picture's blur against its height, upright; half of it across."""


def polished(
    shown: Floats, *, share: float, mirror: Picture, ground: NDArray[np.bool_], distance: Floats, camera: Camera
) -> None:
    """Adds to `shown` `(H, W, 3)`, in place, what the floor mirrors.

    `share` 0..1 is mirrored at grazing view; `mirror` is what `wet.below` sees, at any size; `ground` `(H, W)` tells
    which pixels may be floor, `distance` `(H, W)` how far they lie along the view, metres.
    """
    sharp, sigma = mirror[::-1], _BLUR * mirror.shape[0]
    soft = cv2.resize(cv2.GaussianBlur(sharp, (0, 0), sigma / 2, sigmaY=sigma), shown.shape[1::-1])
    fall, length = _falling(camera)
    floor = ground & (camera.position[2] + fall * distance < _LOW)
    grazing = 1 - np.minimum(np.abs(fall) / length, 1)
    part = (share * (0.18 + 0.82 * grazing**4))[floor][:, None]
    shown[floor] += part * (soft[floor] - shown[floor])


def _falling(camera: Camera) -> tuple[Floats, Floats]:
    """`(H, W)` each: height gained for every metre along the view, and the ray's length for it."""
    right, up, forward = camera.axes
    x = ((np.arange(camera.width, dtype=np.float32) + 0.5 - camera.width / 2) / camera.focal)[None]
    y = ((np.arange(camera.height, dtype=np.float32) + 0.5 - camera.height / 2) / camera.focal)[:, None]
    fall: Floats = (right[2] * x - up[2] * y + forward[2]).astype(np.float32)
    return fall, np.sqrt(x * x + y * y + 1).astype(np.float32)
