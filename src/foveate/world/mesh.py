"""Triangle meshes as plain arrays, and the few solids that everything in the street is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foveate.world.errors import WorldError

Floats = NDArray[np.floating[Any]]
"""Numbers of either precision; what goes to the renderer is float32."""
Ints = NDArray[np.int32]
Colour = tuple[float, float, float]
"""Albedo, gamma-encoded RGB, 0..1."""


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """Triangles with a normal and an albedo at each vertex. Raises `WorldError` when the arrays disagree."""

    points: Floats
    """`(V, 3)`, metres: x along the street, y to its left, z up."""
    normals: Floats
    """`(V, 3)`, unit vectors pointing outwards."""
    colours: Floats
    """`(V, 3)`, gamma-encoded albedo, 0..1."""
    triangles: Ints
    """`(T, 3)`, indices of vertices."""
    gloss: Floats
    """`(V,)`, share of the sky mirrored at grazing view, 0..1."""

    def __post_init__(self) -> None:
        count = len(self.points)
        if self.normals.shape != (count, 3) or self.colours.shape != (count, 3) or self.gloss.shape != (count,):
            raise WorldError(f"a mesh of {count} points needs as many normals, colours and gloss values")

    def moved(self, *, by: ArrayLike = (0, 0, 0), yaw: float = 0.0, scale: ArrayLike = 1.0) -> "Mesh":
        """Scaled along its own axes, then turned about z by `yaw` radians, then shifted by metres."""
        factor = np.broadcast_to(np.asarray(scale, np.float32), 3)
        return self.turned(rotation_z(yaw), by=by, scale=factor)

    def turned(self, rotation: Floats, *, by: ArrayLike = (0, 0, 0), scale: ArrayLike = 1.0) -> "Mesh":
        """Scaled, then rotated by a `(3, 3)` matrix, then shifted."""
        factor = np.broadcast_to(np.asarray(scale, np.float32), 3)
        points = (self.points * factor) @ rotation.T + np.asarray(by, np.float32)
        normals = unit((self.normals / factor) @ rotation.T)
        return Mesh(
            points=points.astype(np.float32),
            normals=normals,
            colours=self.colours,
            triangles=self.triangles,
            gloss=self.gloss,
        )


def unit(vectors: Floats) -> Floats:
    """`vectors` at length 1 along the last axis; zero stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Floats = (vectors / np.maximum(length, 1e-9)).astype(np.float32)
    return scaled


def rotation_z(angle: float) -> Floats:
    """`(3, 3)`: counter-clockwise about z, radians."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]], np.float32)


def along(direction: ArrayLike) -> Floats:
    """`(3, 3)`: turns the z axis to `direction`."""
    z = unit(np.asarray(direction, np.float32))
    helper = np.array([1, 0, 0] if abs(z[0]) < 0.9 else [0, 1, 0], np.float32)
    x = unit(np.cross(helper, z).astype(np.float32))
    return np.stack([x, np.cross(z, x), z], axis=1).astype(np.float32)


def merged(meshes: Sequence[Mesh]) -> Mesh:
    """All of `meshes` as one; raises `WorldError` when there is none."""
    if not meshes:
        raise WorldError("nothing to merge: expected at least one mesh")
    offsets = np.cumsum([0, *(len(mesh.points) for mesh in meshes[:-1])])
    return Mesh(
        points=np.concatenate([mesh.points for mesh in meshes]),
        normals=np.concatenate([mesh.normals for mesh in meshes]),
        colours=np.concatenate([mesh.colours for mesh in meshes]),
        gloss=np.concatenate([mesh.gloss for mesh in meshes]),
        triangles=np.concatenate([m.triangles + o for m, o in zip(meshes, offsets, strict=True)]).astype(np.int32),
    )


def painted(points: Floats, normals: Floats, triangles: Ints, colour: ArrayLike, gloss: float = 0.0) -> Mesh:
    """A mesh in one colour, or in a colour for each vertex."""
    colours = np.broadcast_to(np.asarray(colour, np.float32), points.shape).copy()
    shine = np.full(len(points), gloss, np.float32)
    return Mesh(points=points, normals=normals, colours=colours, triangles=triangles, gloss=shine)


def _grid_triangles(rings: int, segments: int) -> Ints:
    ring, segment = np.meshgrid(np.arange(rings - 1), np.arange(segments), indexing="ij")
    a = ring * segments + segment
    b = ring * segments + (segment + 1) % segments
    quads = np.stack([a, b, b + segments, a, b + segments, a + segments], axis=-1)
    return quads.reshape(-1, 3).astype(np.int32)


def _grid_normals(grid: Floats) -> Floats:
    around = np.roll(grid, -1, axis=1) - np.roll(grid, 1, axis=1)
    forth = np.gradient(grid, axis=0)
    # A ring collapsed to a point has no direction around itself: borrow its neighbour's.
    around[0] = np.where(np.abs(around[0]).max() < 1e-6, around[1], around[0])
    around[-1] = np.where(np.abs(around[-1]).max() < 1e-6, around[-2], around[-1])
    return unit(np.cross(around, forth).astype(np.float32))


def loft(grid: ArrayLike, colour: ArrayLike, *, gloss: float = 0.0) -> Mesh:
    """The skin over rings of points, smooth.

    `grid` is `(rings, segments, 3)`; each ring runs counter-clockwise as seen from the last ring. `colour` is one
    colour or `(rings, segments, 3)`.
    """
    rings = np.asarray(grid, np.float32)
    paint = np.broadcast_to(np.asarray(colour, np.float32), rings.shape).reshape(-1, 3)
    triangles = _grid_triangles(rings.shape[0], rings.shape[1])
    return painted(rings.reshape(-1, 3), _grid_normals(rings).reshape(-1, 3), triangles, paint, gloss)


def panels(grid: ArrayLike, colours: Floats, gloss: Floats) -> Mesh:
    """The skin over rings of points in panels of one colour: `colours` is `(rings - 1, segments, 3)`."""
    rings = np.asarray(grid, np.float32)
    following = np.roll(rings, -1, axis=1)
    corners = np.stack([rings[:-1], following[:-1], following[1:], rings[1:]], axis=2)
    flat = unit(np.cross(corners[:, :, 2] - corners[:, :, 0], corners[:, :, 3] - corners[:, :, 1]).astype(np.float32))
    smooth = _grid_normals(rings)
    turned = np.roll(smooth, -1, axis=1)
    soft = np.stack([smooth[:-1], turned[:-1], turned[1:], smooth[1:]], axis=2)
    normals = unit((0.6 * flat[:, :, None] + 0.4 * soft).astype(np.float32)).reshape(-1, 3)
    first = np.arange(0, corners.size // 3, 4)[:, None]
    triangles = (first + np.array([0, 1, 2, 0, 2, 3])).reshape(-1, 3).astype(np.int32)
    return Mesh(
        points=corners.reshape(-1, 3),
        normals=normals,
        colours=np.repeat(colours.reshape(-1, 3), 4, axis=0).astype(np.float32),
        triangles=triangles,
        gloss=np.repeat(gloss.reshape(-1), 4).astype(np.float32),
    )


def rings_of(profile: ArrayLike, *, segments: int = 8) -> Floats:
    """Elliptic rings `(rings, segments, 3)` about z, closed at both ends, from rows `(z, half depth, half width)`."""
    rows = np.asarray(profile, np.float32)
    ends = [rows[:1] * (1, 1e-4, 1e-4), rows, rows[-1:] * (1, 1e-4, 1e-4)]
    z, depth, width = np.concatenate(ends).T[..., None]
    angle = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    return np.stack(np.broadcast_arrays(depth * np.cos(angle), width * np.sin(angle), z), axis=-1).astype(np.float32)


def limb(length: float, start: float, end: float, colour: ArrayLike, *, segments: int = 8) -> Mesh:
    """A tapered limb hanging from the origin: `length`, radius at its top and at its end, metres."""
    profile = [(-length - 0.4 * end, 0.6 * end, 0.6 * end), (-length, end, end)]
    profile += [(-0.45 * length, 0.55 * start + 0.5 * end, 0.55 * start + 0.5 * end), (0, start, start)]
    profile += [(0.5 * start, 0.7 * start, 0.7 * start)]
    return loft(rings_of(profile, segments=segments), colour)


def ball(radii: ArrayLike, colour: ArrayLike, *, segments: int = 8, rings: int = 6, gloss: float = 0.0) -> Mesh:
    """An ellipsoid about the origin with half axes `radii`, metres."""
    polar = np.linspace(np.pi, 0, rings + 1)[:, None]
    angle = np.linspace(0, 2 * np.pi, segments, endpoint=False)[None]
    width = np.maximum(np.sin(polar), 1e-4)
    grid = np.stack(np.broadcast_arrays(width * np.cos(angle), width * np.sin(angle), np.cos(polar)), axis=-1)
    normals = unit((grid / np.asarray(radii)).astype(np.float32)).reshape(-1, 3)
    points = (grid * np.asarray(radii)).astype(np.float32).reshape(-1, 3)
    return painted(points, normals, _grid_triangles(rings + 1, segments), colour, gloss)


def tube(start: ArrayLike, end: ArrayLike, radius: float, colour: ArrayLike, *, segments: int = 6) -> Mesh:
    """A closed cylinder from `start` to `end`, metres."""
    low, high = np.asarray(start, np.float32), np.asarray(end, np.float32)
    length = float(np.linalg.norm(high - low))
    grid = rings_of([(0, radius, radius), (length, radius, radius)], segments=segments)
    return loft(grid, colour).turned(along(high - low), by=low)


def disc(radius: float, colour: ArrayLike, *, inner: float = 0.0, segments: int = 16, gloss: float = 0.0) -> Mesh:
    """A flat ring in the x-z plane facing +y and -y alike, centred on the origin."""
    angle = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    rim = np.stack([np.cos(angle), np.zeros(segments), np.sin(angle)], axis=-1)
    points = np.concatenate([rim * max(inner, 1e-4), rim * radius]).astype(np.float32)
    normals = np.broadcast_to(np.array([0, 1, 0], np.float32), points.shape).copy()
    return painted(points, normals, _grid_triangles(2, segments), colour, gloss)


_CORNERS = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)], np.float32)
_SIDES = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
_FACING = np.array([[-1, 0, 0], [1, 0, 0], [0, -1, 0], [0, 1, 0], [0, 0, -1], [0, 0, 1]], np.float32)


def box(size: ArrayLike, colour: ArrayLike, *, centre: ArrayLike = (0, 0, 0), gloss: float = 0.0) -> Mesh:
    """A box of `size` metres along x, y and z."""
    points = _CORNERS[np.array(_SIDES).ravel()] * np.asarray(size, np.float32) + np.asarray(centre, np.float32)
    first = np.arange(0, 24, 4)[:, None]
    triangles = (first + np.array([0, 1, 2, 0, 2, 3])).reshape(-1, 3).astype(np.int32)
    return painted(points.astype(np.float32), np.repeat(_FACING, 4, axis=0), triangles, colour, gloss)


def quad(corners: ArrayLike, colour: ArrayLike) -> Mesh:
    """Four corners in order, one flat face."""
    points = np.asarray(corners, np.float32)
    normal = unit(np.cross(points[1] - points[0], points[2] - points[0]).astype(np.float32))
    triangles = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    return painted(points, np.broadcast_to(normal, (4, 3)).copy(), triangles, colour)
