"""Wet ground: darker, with blurred upright reflections, and puddles that mirror what stands behind them.

The scene is drawn a second time through a camera below the ground, which sees what the ground mirrors; how much of it
shows follows Schlick's approximation of Fresnel's equations for water.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from foveate.world.camera import Camera
from foveate.world.depth import rays, thinned
from foveate.world.errors import WorldError
from foveate.world.mesh import Floats
from foveate.world.textures import Picture, noise

_TILE = 26.0
"""Metres after which the puddles repeat."""
_RIPPLES = 1.7
"""Metres after which the ripples repeat."""


@dataclass(frozen=True, kw_only=True)
class Wet:
    """Water on the ground. Raises `WorldError` unless the shares lie in 0..1."""

    depth: Floats
    """`(S, S)`: height of the water over a square tile of ground, about 0 with deviation near 1."""
    cover: float
    """Share of the ground under puddles, about."""
    darkening: float
    """Share of its colour that ground keeps when wet, gamma-encoded."""

    def __post_init__(self) -> None:
        if not (0 <= self.cover <= 1 and 0 <= self.darkening <= 1):
            raise WorldError(f"shares of wet ground lie in 0..1, got {self.cover:.2f} and {self.darkening:.2f}")


def random_wet(rng: np.random.Generator) -> Wet:
    """From damp ground to ground under water."""
    depth = noise(rng, (512, 512), 10, 5).astype(np.float32)
    return Wet(depth=depth, cover=float(rng.uniform(0.06, 0.28)), darkening=float(rng.uniform(0.52, 0.68)))


def below(camera: Camera) -> Camera:
    """The camera that sees, upside down, what ground at height 0 mirrors to `camera`."""
    x, y, z = camera.position
    return Camera(
        position=(x, y, -z),
        yaw=camera.yaw,
        pitch=-camera.pitch,
        roll=-camera.roll,
        field_of_view=camera.field_of_view,
        height=camera.height,
        width=camera.width,
    )


def soaked(
    shown: Floats, *, wet: Wet, mirror: Picture, ground: Any, distance: Floats, camera: Camera, time: float
) -> Floats:
    """`shown` `(H, W, 3)` with wet ground. In place.

    `mirror` is what `below` sees, at any size; `ground` `(H, W)` tells which pixels are ground.
    """
    kept, added = _water(wet, mirror[::-1], distance, camera, time)
    size = shown.shape[1::-1]
    kept, added = (np.asarray(cv2.resize(part, size), np.float32) for part in (kept, added))
    kept[~ground], added[~ground] = 1, 0
    shown *= kept[..., None]
    shown += added
    return shown


def _water(wet: Wet, mirror: Picture, distance: Floats, camera: Camera, time: float) -> tuple[Floats, Floats]:
    """What the ground keeps of its colour `(h, w)`, and what the water adds `(h, w, 3)`, at the mirror's size."""
    shape = mirror.shape[:2]
    far, towards = thinned(distance, shape), rays(camera, shape)
    at = towards * far[..., None] + np.asarray(camera.position, np.float32)
    steep = np.abs(towards[..., 2]) / np.linalg.norm(towards, axis=-1)
    fresnel = 0.02 + 0.98 * (1 - np.minimum(steep, 1)) ** 5
    puddle = _puddles(wet, at)
    row = _rows(mirror, at, far, camera)
    row += puddle * _ripples(wet, at, time) * (0.004 * shape[0])
    column = np.broadcast_to(np.arange(shape[1], dtype=np.float32), shape)
    film, pool = (
        cv2.remap(source, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for source in (_streaked(mirror), mirror)
    )
    share = np.minimum(1.25 * fresnel, 1) * (0.5 + 0.48 * puddle)
    seen = film + puddle[..., None] * (pool.astype(np.float32) - film)
    kept = (1 - share) * (wet.darkening * (1 - 0.25 * puddle))
    return kept.astype(np.float32), (seen * share[..., None]).astype(np.float32)


def _rows(mirror: Picture, at: Floats, far: Floats, camera: Camera) -> Floats:
    """Row of `mirror` for each pixel: ground above height 0 mirrors what a lower mirror shows farther up."""
    own = np.arange(mirror.shape[0], dtype=np.float32)[:, None]
    focal = camera.focal * mirror.shape[0] / camera.height
    rows: Floats = own - 2 * np.clip(at[..., 2], 0, 0.2) * focal / np.maximum(far, 0.5)
    return rows.astype(np.float32)


def _streaked(mirror: Picture) -> Floats:
    """Rough wet ground smears what it mirrors, far more along the view than across."""
    tall, wide = max(mirror.shape[0] // 14, 1), max(mirror.shape[1] // 240, 1)
    once = cv2.blur(mirror.astype(np.float32), (wide, tall))
    return np.asarray(cv2.blur(once, (wide, tall)))


def _tiled(field: Floats, at: Floats, metres: float) -> Floats:
    scale = np.float32(field.shape[0] / metres)
    column, row = (np.mod(at[..., k] * scale, np.float32(field.shape[0])) for k in (0, 1))
    return np.asarray(cv2.remap(field, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP))


def _puddles(wet: Wet, at: Floats) -> Floats:
    """`(h, w)`: 0 on a wet film, 1 in standing water."""
    level = float(np.quantile(wet.depth, 1 - wet.cover))
    puddle: Floats = np.clip((_tiled(wet.depth, at, _TILE) - level) * 3.0, 0, 1)
    return puddle


def _ripples(wet: Wet, at: Floats, time: float) -> Floats:
    """`(h, w)`: tilt of the water where drops fall in, another one in every moment."""
    shift = np.float32(time * 7.3 % 1 * _RIPPLES)
    return _tiled(wet.depth, at + shift, _RIPPLES)
