"""Textured sheets: what the ground and the walls are made of."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from foveate.world.mesh import Floats, Mesh, merged, quad
from foveate.world.textures import Picture


@dataclass(frozen=True, kw_only=True)
class Surface:
    """A textured mesh."""

    mesh: Mesh
    uv: Floats
    """`(V, 2)`: texture coordinates, 1 is one repeat."""
    texture: Picture
    ground: bool
    """Whether people stand on it: ground never hides anybody."""


def sheet(
    corners: ArrayLike,
    texture: Picture,
    repeats: tuple[float, float],
    *,
    colour: float = 1.0,
    ground: bool = False,
) -> Surface:
    """A flat sheet over four corners in order; the texture stands upright on the first edge."""
    uv = np.array([[0, 0], [repeats[0], 0], list(repeats), [0, repeats[1]]], np.float32)
    return Surface(mesh=quad(corners, (colour, colour, colour)), uv=uv, texture=texture, ground=ground)


def flat(x: tuple[float, float], y: tuple[float, float], z: float, texture: Picture, repeat_m: float) -> Surface:
    """Ground at height `z` over two ranges of metres; the texture repeats every `repeat_m` metres."""
    corners = [(x[0], y[0], z), (x[1], y[0], z), (x[1], y[1], z), (x[0], y[1], z)]
    return sheet(corners, texture, ((x[1] - x[0]) / repeat_m, (y[1] - y[0]) / repeat_m), ground=True)


def wall(
    a: tuple[float, float],
    b: tuple[float, float],
    *,
    z: tuple[float, float],
    texture: Picture,
    repeats: tuple[float, float],
) -> Surface:
    """An upright wall over the ground line a-b, facing to the right of the walk from a to b."""
    return sheet([(*a, z[0]), (*b, z[0]), (*b, z[1]), (*a, z[1])], texture, repeats)


def by_texture(surfaces: list[Surface]) -> list[Surface]:
    """Surfaces that share a texture, merged into one each."""
    groups: dict[int, list[Surface]] = {}
    for surface in surfaces:
        groups.setdefault(id(surface.texture), []).append(surface)
    return [
        Surface(
            mesh=merged([s.mesh for s in group]),
            uv=np.concatenate([s.uv for s in group]),
            texture=group[0].texture,
            ground=group[0].ground,
        )
        for group in groups.values()
    ]
