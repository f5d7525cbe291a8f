"""Lamplight on a drawn frame, from its depths (deferred shading), in linear units and then compressed by a film curve.

Walls and ground are far larger than their triangles' corners are near, so what lamps add is counted pixel by pixel at
half the size, with normals from the depths. Lit windows come as codes beside the object numbers.
"""

from typing import Any

import cv2
import numpy as np

from foveate.world.camera import NEAR, Camera
from foveate.world.depth import rays, thinned
from foveate.world.lamps import Beams, Bulbs, Lamps
from foveate.world.light import GAMMA, Light
from foveate.world.mesh import Floats
from foveate.world.shadow import SKY, hazed
from foveate.world.textures import Picture

_LINEAR = ((np.arange(256) / 255) ** GAMMA).astype(np.float32)
_MOST = 48
"""How many beams a frame counts, the strongest as the camera sees them."""
_FARTHEST = 220.0
"""Distance of a beam from which on it is left out, metres."""
_BLOOM = ((0.005, 0.32), (0.02, 0.18), (0.08, 0.11))
"""Halos of whatever is bright: deviation in picture heights, and share of the light."""


def lamplit(
    picture: Picture,
    *,
    codes: Picture,
    distance: Floats,
    camera: Camera,
    light: Light,
    lamps: Lamps,
    beams: Beams,
    bulbs: Bulbs,
) -> Floats:
    """The frame at night, float32 `(H, W, 3)` of 0..255.

    `picture` was drawn in the even `light` by which colours can be told; `codes` `(H, W)` are rows of the palette.
    """
    shown: Floats = np.asarray(cv2.LUT(picture, _LINEAR), np.float32)
    shown *= received(codes, distance, camera, lamps, beams)
    haze = np.asarray(light.haze_colour, np.float32) ** np.float32(GAMMA)
    hazed(shown, distance=distance, metres=light.haze_m, colour=haze)
    _add_bulbs(shown, distance, camera, bulbs)
    _add_bloom(shown)
    return _exposed(shown)


def received(codes: Picture, distance: Floats, camera: Camera, lamps: Lamps, beams: Beams) -> Floats:
    """`(H, W, 3)`: light on each pixel, linear; the sky keeps its own."""
    height, width = distance.shape
    low = pooled(thinned(distance, (height // 2, width // 2)), camera, beams)
    low += np.asarray(lamps.ambient, np.float32)
    total: Floats = np.asarray(cv2.resize(low, (width, height)), np.float32)
    lit = np.nonzero(codes)
    total[lit] += lamps.palette[codes[lit]]
    total[distance > SKY] = 1
    return total


def pooled(far: Floats, camera: Camera, beams: Beams) -> Floats:
    """`(h, w, 3)`: what beams add to surfaces `far` `(h, w)` metres along the view."""
    at = rays(camera, (far.shape[0], far.shape[1])) * far[..., None] + np.asarray(camera.position, np.float32)
    # One plane for each axis: sums over a last axis of three are slow.
    places, normals = (np.ascontiguousarray(np.moveaxis(field, -1, 0)) for field in (at, _normals(at)))
    total = np.zeros(at.shape, np.float32)
    for beam, share, (top, bottom, left, right) in _strongest(beams, camera, far.shape):
        part = (slice(top, bottom), slice(left, right))
        strength = _strength(beams, beam, places[:, *part], normals[:, *part])
        total[part] += strength[..., None] * (share * beams.power[beam]).astype(np.float32)
    return total


def _normals(at: Floats) -> Floats:
    across, down = (np.gradient(at, axis=axis).astype(np.float32) for axis in (1, 0))
    normals = np.cross(down, across)
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)
    return np.asarray(normals, np.float32)


def _strongest(
    beams: Beams, camera: Camera, shape: tuple[int, ...]
) -> list[tuple[int, float, tuple[int, int, int, int]]]:
    """Beams that may light something in view, the share of them that counts, and the picture part that they reach."""
    seen = camera.project(beams.at.astype(np.float32))
    gap = np.linalg.norm(beams.at - np.asarray(camera.position), axis=1)
    worth = beams.power.max(axis=1) / np.maximum(gap - beams.reach / 2, 2) ** 2
    found = []
    for beam in np.argsort(-worth, kind="stable"):
        area = _area(seen[beam], float(beams.reach[beam]), float(gap[beam]), camera, shape)
        if area is not None and gap[beam] < _FARTHEST:
            # What comes into reach must not flash up.
            share = min(1.0, (_FARTHEST - float(gap[beam])) / (0.3 * _FARTHEST))
            found.append((int(beam), share, area))
        if len(found) == _MOST:
            break
    return found


def _area(
    seen: Floats, reach: float, gap: float, camera: Camera, shape: tuple[int, ...]
) -> tuple[int, int, int, int] | None:
    """Top, bottom, left and right of the picture part that a ball of `reach` metres covers; None for none."""
    if seen[2] < -reach:
        return None
    if gap < 1.2 * reach or seen[2] < 1.2 * reach:
        return 0, shape[0], 0, shape[1]
    radius = camera.focal * reach / (seen[2] - reach * 0.2)
    scale = shape[0] / camera.height
    left, right = (int(np.clip((seen[0] + sign * radius) * scale, 0, shape[1])) for sign in (-1, 1))
    top, bottom = (int(np.clip((seen[1] + sign * radius) * scale, 0, shape[0])) for sign in (-1, 1))
    return (top, bottom, left, right) if right > left and bottom > top else None


def _strength(beams: Beams, beam: int, at: Floats, normals: Floats) -> Floats:
    """`(h, w)`: share of a beam's power that surfaces at `(3, h, w)` receive."""
    to = beams.at[beam].astype(np.float32)[:, None, None] - at
    squared = to[0] * to[0] + to[1] * to[1] + to[2] * to[2] + np.float32(1e-3)
    inverse = 1 / np.sqrt(squared)
    facing = np.maximum((to[0] * normals[0] + to[1] * normals[1] + to[2] * normals[2]) * inverse, 0)
    x, y, z = beams.aim[beam].astype(np.float32)
    spread, reach = np.float32(beams.spread[beam]), np.float32(beams.reach[beam])
    inside = np.clip(((to[0] * x + to[1] * y + to[2] * z) * -inverse - spread) / (0.7 * (1 - spread)), 0, 1)
    fading = np.clip(1.5 * (1 - squared / (reach * reach)), 0, 1)
    # Skin, cloth and leaves also show light that grazes them or comes from behind.
    strength: Floats = (0.15 + 0.85 * facing) * inside * inside * fading / (squared + 1.0)
    return strength


def _add_bulbs(shown: Floats, distance: Floats, camera: Camera, bulbs: Bulbs) -> None:
    """Draws the lamps themselves where nothing hides them."""
    seen = camera.project(bulbs.at.astype(np.float32))
    radius = np.maximum(bulbs.radius * camera.focal / np.maximum(seen[:, 2], NEAR), 0.05)
    within = np.abs(seen[:, :2] - (camera.width / 2, camera.height / 2)) < (camera.width / 2, camera.height / 2)
    for bulb in np.flatnonzero((seen[:, 2] > 1) & (seen[:, 2] < 200) & within.all(axis=1)):
        _add_bulb(shown, distance, seen[bulb], float(radius[bulb]), bulbs.glow[bulb])


def _add_bulb(shown: Floats, distance: Floats, seen: Floats, radius: float, glow: Floats) -> None:
    x, y, far = (float(v) for v in seen)
    edge = max(radius, 1.0)
    left, top = max(int(x - edge - 2), 0), max(int(y - edge - 2), 0)
    part: tuple[Any, ...] = (slice(top, int(y + edge + 3)), slice(left, int(x + edge + 3)))
    behind = distance[part]
    rows, columns = (np.arange(n, dtype=np.float32) + 0.5 for n in behind.shape)
    gap = np.hypot(columns[None] + left - x, rows[:, None] + top - y)
    # What is smaller than a pixel is fainter instead.
    disc = np.clip(edge + 0.5 - gap, 0, 1) * min(radius / edge, 1.0) ** 2
    shown[part] += (disc * (behind > far - 0.4))[..., None] * glow.astype(np.float32)


def _add_bloom(shown: Floats) -> None:
    """What the lens scatters: a halo round all that is brighter than paper by day."""
    height, width = shown.shape[:2]
    small = cv2.resize(shown, (max(width // 4, 1), max(height // 4, 1)), interpolation=cv2.INTER_AREA)
    bright = np.clip(small - 0.9, 0, 40)
    halo = np.zeros_like(bright)
    for deviation, share in _BLOOM:
        halo += share * cv2.GaussianBlur(bright, (0, 0), max(deviation * bright.shape[0], 0.5))
    shown += cv2.resize(halo, (width, height), interpolation=cv2.INTER_LINEAR)


def _exposed(shown: Floats) -> Floats:
    """Gamma-encoded, 0..255: shadows as they are, ever less more of what is bright."""
    held = 1 - cv2.exp(-shown)
    return np.asarray(cv2.pow(np.maximum(held, 0), 1 / GAMMA) * np.float32(255))
