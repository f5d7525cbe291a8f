"""Sunlight and haze, added to a drawn frame from its depths (deferred shading).

A shadow map (Williams, "Casting curved shadows on curved surfaces", 1978) tells where the sun is hidden; the cosine to
the sun, drawn beside the object numbers, tells how much light that takes away.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from foveate.world.camera import Camera
from foveate.world.light import Light, shadow_table
from foveate.world.mesh import Floats, unit
from foveate.world.textures import Picture

_BIAS = 0.12
"""Metres by which a surface must lie behind what the sun sees before it counts as shadowed."""
SKY = 400.0
"""Beyond this distance in metres is only sky, which has no haze in front."""


_ROWS = 32
"""Rows of a frame that are worked on together."""


@dataclass(frozen=True, kw_only=True)
class SunMap:
    """What the sun sees of a square of the street."""

    distance: Floats
    """`(S, S)`: metres from the sun's plane to the first surface."""
    centre: Floats
    """Middle of the square, metres."""
    towards: Floats
    """Unit vector to the sun."""
    half: float
    """Half side of the square, metres."""
    far: float
    """Metres from the sun's plane to the centre."""

    def affine(self) -> tuple[Floats, Floats]:
        """`(3, 3)` and `(3,)`: world to column, row and distance of the map."""
        side = self.distance.shape[0]
        up = np.array([0, 0, 1] if abs(self.towards[2]) < 0.95 else [1, 0, 0], np.float32)
        right = unit(np.cross(-self.towards, up).astype(np.float32))
        above = np.cross(right, -self.towards)
        scale = side / (2 * self.half)
        matrix = np.stack([right * scale, -above * scale, -self.towards]).astype(np.float32)
        offset = np.array([side / 2 - 0.5, side / 2 - 0.5, self.far], np.float32) - matrix @ self.centre
        return matrix, offset.astype(np.float32)


def shadowed(sun: SunMap, camera: Camera, distance: Floats) -> Floats:
    """`(H, W)`: 1 where the sun is hidden from the surface at `distance` metres along the view, soft at the rim."""
    right, up, forward = camera.axes
    matrix, offset = sun.affine()
    start = matrix @ np.asarray(camera.position, np.float32) + offset
    x = (np.arange(camera.width, dtype=np.float32) + 0.5 - camera.width / 2) / camera.focal
    y = (np.arange(camera.height, dtype=np.float32) + 0.5 - camera.height / 2) / camera.focal
    step_x, step_y, step_z = matrix @ right, matrix @ -up, matrix @ forward
    column, row, reach = (
        (step_x[k] * x[None] + (step_y[k] * y[:, None] + step_z[k])) * distance + start[k] for k in range(3)
    )
    first = cv2.remap(sun.distance, column, row, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=1e6)
    hidden = (reach > first + _BIAS).astype(np.float32)
    soft: Floats = cv2.blur(hidden, (3, 3))
    return soft


def sunlit(picture: Picture, *, cosine: Picture, hidden: Floats, light: Light) -> Floats:
    """The frame with shadows, float32 `(H, W, 3)` of 0..255. `cosine` is that to the sun times 255."""
    shown: Floats = picture.astype(np.float32)
    where = np.nonzero(hidden)
    shown[where] *= 1 - (1 - shadow_table(light)[cosine[where]]) * hidden[where][:, None]
    return shown


def hazed(shown: Floats, *, distance: Floats, metres: float, colour: Floats) -> Floats:
    """`shown` `(H, W, 3)` behind haze of `colour`, which replaces 63 % of what is `metres` away. In place."""
    # A few rows at a time: whole planes of a large frame do not fit into the processor's caches.
    for top in range(0, len(shown), _ROWS):
        part, away = shown[top : top + _ROWS], distance[top : top + _ROWS]
        share = 1 - np.exp(-away / metres)
        share[away > SKY] = 0
        part += share[..., None] * (colour - part)
    return shown
