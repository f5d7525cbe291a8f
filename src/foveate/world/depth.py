"""Where the pixels of a drawn frame lie in the world."""

import numpy as np

from foveate.world.camera import Camera
from foveate.world.mesh import Floats


def rays(camera: Camera, shape: tuple[int, int]) -> Floats:
    """`(H, W, 3)`: what a metre along the view leads to at each pixel of the camera's picture brought to `shape`."""
    right, up, forward = camera.axes
    height, width = shape
    x = ((np.arange(width, dtype=np.float32) + 0.5) * (camera.width / width) - camera.width / 2) / camera.focal
    y = ((np.arange(height, dtype=np.float32) + 0.5) * (camera.height / height) - camera.height / 2) / camera.focal
    towards: Floats = x[None, :, None] * right - y[:, None, None] * up + forward
    return towards.astype(np.float32)


def thinned(picture: Floats, shape: tuple[int, int]) -> Floats:
    """One pixel of `picture` `(H, W)` for each of `shape`: depths and numbers must not be averaged."""
    rows = (np.arange(shape[0]) * 2 + 1) * picture.shape[0] // (2 * shape[0])
    columns = (np.arange(shape[1]) * 2 + 1) * picture.shape[1] // (2 * shape[1])
    return picture[np.ix_(rows, columns)]
