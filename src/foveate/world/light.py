"""The light of a scene: perhaps a sun, a sky above and the ground's bounce below, albedo-free in linear units."""

from dataclasses import dataclass

import numpy as np

from foveate.world.errors import WorldError
from foveate.world.mesh import Colour, Floats, unit

GAMMA = 2.2
"""Colours are stored to the power 1 / GAMMA; products of stored colours are stored products."""


@dataclass(frozen=True, kw_only=True)
class Light:
    """Light of one scene. Raises `WorldError` when there is a sun that is not above the horizon."""

    sun: tuple[float, float, float] | None
    """Unit vector towards the sun; None where no direct light throws a shadow."""
    sun_colour: Colour
    """Linear RGB on a surface that faces the sun."""
    sky_colour: Colour
    """Linear RGB on a surface that faces up, in the shade."""
    ground_colour: Colour
    """Linear RGB on a surface that faces down."""
    haze_m: float
    """Distance at which haze replaces 63 % of what is seen, metres."""
    haze_colour: Colour
    """Gamma-encoded RGB of the haze, which is also the horizon's."""
    zenith_colour: Colour
    """Gamma-encoded RGB of the sky overhead."""
    clouds: float
    """Share of the sky under cloud, 0..1."""

    def __post_init__(self) -> None:
        if self.sun is not None and self.sun[2] <= 0:
            raise WorldError(f"the sun must stand above the horizon, got height {self.sun[2]:.2f}")


def sunny(rng: np.random.Generator) -> Light:
    """A clear to half-clouded day, the sun 22 to 68 degrees high."""
    height, bearing = np.radians(rng.uniform(22, 68)), rng.uniform(0, 2 * np.pi)
    warm = float(np.clip(1.2 - height, 0, 0.8))
    strength, exposure = rng.uniform(0.85, 1.35), rng.uniform(0.62, 0.95)
    direct = np.array([1.0, 0.96 - 0.10 * warm, 0.90 - 0.28 * warm]) * strength * exposure
    above = np.array([0.52, 0.57, 0.65]) * rng.uniform(0.7, 1.15) * exposure
    blue = rng.uniform(0, 1)
    return Light(
        sun=(
            float(np.cos(height) * np.cos(bearing)),
            float(np.cos(height) * np.sin(bearing)),
            float(np.sin(height)),
        ),
        sun_colour=_triple(direct),
        sky_colour=_triple(above),
        ground_colour=_triple(np.array([0.36, 0.33, 0.30]) * rng.uniform(0.7, 1.2) * exposure),
        haze_m=float(rng.uniform(250, 1500)),
        haze_colour=_triple(np.array([0.78, 0.83, 0.88]) * rng.uniform(0.92, 1.06)),
        zenith_colour=_triple((1 - blue) * np.array([0.30, 0.48, 0.78]) + blue * np.array([0.48, 0.62, 0.82])),
        clouds=float(rng.uniform(0, 0.75)),
    )


def overcast(rng: np.random.Generator) -> Light:
    """A rainy day: grey from all sides, and haze within the street."""
    exposure, grey = rng.uniform(0.72, 0.95), rng.uniform(0.62, 0.74)
    tint = np.array([0.97, 1.0, 1.03]) + rng.normal(0, 0.01, 3)
    return Light(
        sun=None,
        sun_colour=(0.0, 0.0, 0.0),
        sky_colour=_triple(np.array([0.74, 0.77, 0.81]) * exposure),
        ground_colour=_triple(np.array([0.30, 0.30, 0.30]) * exposure),
        haze_m=float(rng.uniform(110, 260)),
        haze_colour=_triple(grey * tint),
        zenith_colour=_triple(0.86 * grey * tint),
        clouds=0.35,
    )


def dark(rng: np.random.Generator) -> Light:
    """A clear night. The scene is drawn in an even light by which colours can be told; lamps then say what is seen."""
    glow = rng.uniform(0.8, 1.3)
    return Light(
        sun=None,
        sun_colour=(0.0, 0.0, 0.0),
        sky_colour=(0.70, 0.70, 0.70),
        ground_colour=(0.50, 0.50, 0.50),
        haze_m=float(rng.uniform(350, 900)),
        haze_colour=_triple(np.array([0.15, 0.16, 0.24]) * glow),
        zenith_colour=_triple(np.array([0.035, 0.055, 0.14]) * glow),
        clouds=0.0,
    )


def _triple(values: Floats) -> Colour:
    return (float(values[0]), float(values[1]), float(values[2]))


def facing(light: Light, normals: Floats) -> Floats:
    """`(V,)`: cosine between each normal and the sun, 0 where it faces away or none shines."""
    if light.sun is None:
        return np.zeros(len(normals), np.float32)
    cosine: Floats = np.maximum(normals @ np.asarray(light.sun, np.float32), 0)
    return cosine


def shade(light: Light, *, colours: Floats, normals: Floats, gloss: Floats, towards_eye: Floats) -> Floats:
    """Gamma-encoded colour `(V, 3)` of lit, unshadowed vertices: Lambert, a hemisphere of sky, a mirrored sky.

    `towards_eye` holds vectors of any length. Gloss follows Schlick's approximation of Fresnel's equations.
    """
    up = (0.5 + 0.5 * normals[:, 2:3]).astype(np.float32)
    ambient = up * np.asarray(light.sky_colour, np.float32) + (1 - up) * np.asarray(light.ground_colour, np.float32)
    received = ambient + facing(light, normals)[:, None] * np.asarray(light.sun_colour, np.float32)
    lit: Floats = colours * received ** np.float32(1 / GAMMA)
    shiny = np.flatnonzero(gloss > 0)
    if len(shiny):
        lit[shiny] = _mirrored(light, lit[shiny], normals[shiny], gloss[shiny], towards_eye[shiny])
    return np.clip(lit, 0, 1)


def _mirrored(light: Light, lit: Floats, normals: Floats, gloss: Floats, towards_eye: Floats) -> Floats:
    view = unit(towards_eye)
    cosine = np.abs(np.sum(view * normals, axis=1, keepdims=True))
    mirrored = 2 * np.sum(view * normals, axis=1, keepdims=True) * normals - view
    height = np.clip(mirrored[:, 2:3] * 2 + 0.15, 0, 1)
    sky = height * np.asarray(light.haze_colour) + (1 - height) * np.array([0.25, 0.24, 0.22])
    share = gloss[:, None] * (0.10 + 0.75 * (1 - cosine) ** 3)
    glint = _glint(light, mirrored)[:, None] * gloss[:, None]
    result: Floats = (lit * (1 - share) + sky * share + 0.8 * glint).astype(np.float32)
    return result


def _glint(light: Light, mirrored: Floats) -> Floats:
    """`(V,)`: how much of the sun's disc is seen along `mirrored` views, 0..1."""
    if light.sun is None:
        return np.zeros(len(mirrored), np.float32)
    glint: Floats = np.clip(mirrored @ np.asarray(light.sun), 0, 1) ** 60
    return glint


def shadow_table(light: Light) -> Floats:
    """`(256, 3)`: factor on a gamma-encoded colour in shadow, by the cosine to the sun times 255."""
    cosine = np.linspace(0, 1, 256)[:, None]
    ambient = 0.75 * np.asarray(light.sky_colour) + 0.25 * np.asarray(light.ground_colour)
    table: Floats = (ambient / (ambient + cosine * np.asarray(light.sun_colour))) ** (1 / GAMMA)
    return table.astype(np.float32)
