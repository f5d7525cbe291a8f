"""Falling rain: drops in a box that goes with the camera, drawn as streaks over what lies behind them.

Each drop falls in the world, so streaks follow the camera's motion, and a moment alone decides where all of them are.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from foveate.world.camera import NEAR, Camera
from foveate.world.errors import WorldError
from foveate.world.mesh import Colour, Floats
from foveate.world.wet import Wet, random_wet

_BOX = np.array([18.0, 18.0, 12.0])
"""Extent of the box of drops about the camera, metres."""
_FOCUS = ((2.2, 4), (5.0, 2), (np.inf, 1))
"""Drops nearer than so many metres are drawn at one so manieth of the size: they are out of focus."""


@dataclass(frozen=True, kw_only=True)
class Rain:
    """Rain and what it leaves on the ground. Raises `WorldError` on drops that do not fall."""

    drops: Floats
    """`(N, 3)`: places in the box at time 0, metres."""
    radius: Floats
    """`(N,)`: half width of a drop, metres."""
    speed: Floats
    """`(N,)`: metres a second downwards."""
    wind: tuple[float, float]
    """Metres a second along x and y."""
    exposure_s: float
    """How long the shutter is open: the length of the streaks."""
    strength: float
    """How much of what is behind it a drop hides, 0..1."""
    wet: Wet

    def __post_init__(self) -> None:
        if self.speed.min(initial=1) <= 0 or self.exposure_s <= 0:
            raise WorldError("rain needs falling drops and an open shutter")


def random_rain(rng: np.random.Generator) -> Rain:
    """From steady rain to a downpour."""
    count = int(rng.integers(9_000, 20_000))
    radius = np.clip(rng.gamma(6, 0.00016, count), 0.0004, 0.0024)
    bearing, force = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 2.2)
    return Rain(
        drops=rng.uniform(0, 1, (count, 3)) * _BOX,
        radius=radius,
        speed=4.0 + 2600 * radius,
        wind=(float(force * np.cos(bearing)), float(force * np.sin(bearing))),
        exposure_s=float(rng.uniform(1 / 110, 1 / 45)),
        strength=float(rng.uniform(0.45, 0.8)),
        wet=random_wet(rng),
    )


def streaks(rain: Rain, camera: Camera, time: float) -> tuple[Floats, Floats, Floats]:
    """Streaks in view: ends in pixels `(M, 2, 2)`, half widths in pixels `(M,)`, distances in metres `(M,)`."""
    fall = np.column_stack([np.broadcast_to(rain.wind, (len(rain.speed), 2)), -rain.speed])
    eye = np.asarray(camera.position)
    # A generator's doubles: after an hour single precision would leave nothing of a streak.
    start = np.mod(rain.drops + fall * time - eye + _BOX / 2, _BOX) - _BOX / 2 + eye
    ends = np.stack([start, start + fall * rain.exposure_s], axis=1).astype(np.float32)
    seen = camera.project(ends.reshape(-1, 3)).reshape(-1, 2, 3)
    middle, far = seen[..., :2].mean(axis=1), seen[..., 2].mean(axis=1)
    within = np.all(np.abs(middle - _half(camera)) < 1.1 * _half(camera), axis=1)
    kept = np.flatnonzero(within & (seen[..., 2].min(axis=1) > 2 * NEAR))
    wide = rain.radius[kept] * camera.focal / far[kept]
    return seen[kept, :, :2], wide, far[kept]


def _half(camera: Camera) -> Floats:
    return np.array([camera.width, camera.height]) / 2


def falling(shown: Floats, *, rain: Rain, camera: Camera, distance: Floats, colour: Colour, time: float) -> Floats:
    """`shown` `(H, W, 3)` of 0..255 behind the rain, in place; `colour` is the gamma-encoded sky's in the drops."""
    cover = _cover(rain, camera, distance, time)
    bright = np.asarray(colour, np.float32) * 255 * np.float32(1.12)
    shown += cover[..., None] * (bright - shown)
    return shown


def _cover(rain: Rain, camera: Camera, distance: Floats, time: float) -> Floats:
    """`(H, W)`: share of each pixel that streaks hide."""
    ends, wide, far = streaks(rain, camera, time)
    shape = distance.shape
    middle = ends.mean(axis=1)
    column, row = (np.clip(middle[:, k], 0, shape[1 - k] - 1).astype(np.int64) for k in (0, 1))
    free = far < distance[row, column]
    cover, nearest = np.zeros(shape, np.float32), 0.0
    for limit, factor in _FOCUS:
        chosen = free & (far >= nearest) & (far < limit)
        nearest = limit
        layer = _drawn(ends[chosen] / factor, wide[chosen] / factor, (shape[0] // factor, shape[1] // factor), rain)
        cover += cv2.resize(layer.astype(np.float32), shape[::-1], interpolation=cv2.INTER_LINEAR)
    cover *= 1 / 255
    return np.minimum(cover, 0.9)


def _drawn(ends: Floats, wide: Floats, shape: tuple[int, int], rain: Rain) -> NDArray[np.uint8]:
    """`(H, W)`: streaks as lines; what is thinner than a pixel is fainter instead."""
    layer = np.zeros(shape, np.uint8)
    thick = np.maximum(np.round(2 * wide), 1)
    level = 255 * rain.strength * np.minimum(2 * wide / thick, 1)
    points = np.round(ends * 16).astype(int).tolist()
    for (start, end), width, grey in zip(points, thick.astype(int).tolist(), level.tolist(), strict=True):
        cv2.line(layer, start, end, grey, width, cv2.LINE_AA, 4)
    return np.asarray(cv2.GaussianBlur(layer, (3, 3), 0.8))
