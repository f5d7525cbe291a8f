"""Fewer triangles for what is far away: vertices that share a small cell become one.

Vertex clustering after Rossignac and Borrel, "Multi-resolution 3D approximations for rendering complex scenes" (1993).
Of a cell the vertex farthest from the middle of its part stays where it was, so that silhouettes keep their extent; and
vertices that face different ways are never joined, so that edges keep their shading.
"""

from dataclasses import dataclass

import numpy as np

from foveate.world.mesh import Floats, Ints, Mesh, unit


@dataclass(frozen=True, kw_only=True)
class Detail:
    """A level of detail."""

    pixel: float
    """Metres on the object under one pixel from which on the level serves."""
    cell: float
    """Side of the cells, metres."""


LEVELS = (Detail(pixel=0.014, cell=0.034), Detail(pixel=0.028, cell=0.068), Detail(pixel=0.05, cell=0.12))
"""From fine to coarse, after the full mesh: a cell is about two and a half pixels."""
_SHAPE = np.array([1.0, 1.0, 1.8])
"""Cells are tall: along a limb or a wall little changes."""


def level_at(pixel: Floats) -> Ints:
    """Level of detail `(N,)` for metres under a pixel: 0 is the full mesh, k is `LEVELS[k - 1]`."""
    return np.searchsorted([level.pixel for level in LEVELS], pixel, side="right").astype(np.int32)


def simplified(mesh: Mesh, part: Ints, cell: float) -> tuple[Mesh, Ints]:
    """`mesh` by clusters within cells of `cell` metres, and the part of each vertex left.

    `part` `(V,)` numbers the parts, which stay apart.
    """
    cluster = _clusters(mesh, part, cell)
    triangles = _distinct(cluster[mesh.triangles])
    used, numbers = np.unique(triangles, return_inverse=True)
    kept = _farthest(mesh.points, part, cluster)[used]
    mean = Mesh(
        points=mesh.points[kept],
        normals=unit(_means(cluster, mesh.normals)[used]),
        colours=_means(cluster, mesh.colours)[used],
        gloss=_means(cluster, mesh.gloss[:, None])[used, 0],
        triangles=numbers.reshape(-1, 3).astype(np.int32),
    )
    return mean, part[kept]


def _clusters(mesh: Mesh, part: Ints, cell: float) -> Ints:
    """Number of each vertex's cluster, from 0 without gaps."""
    cells = np.floor(mesh.points / (cell * _SHAPE) + 0.5).astype(np.int64)
    axis = np.abs(mesh.normals).argmax(axis=1)
    behind = mesh.normals[np.arange(len(axis)), axis] < 0
    rows = np.column_stack([part, cells, 2 * axis + behind])
    spread = rows - rows.min(axis=0)
    key = np.ravel_multi_index(spread.T, spread.max(axis=0) + 1)
    return np.unique(key, return_inverse=True)[1].astype(np.int32)


def _farthest(points: Floats, part: Ints, cluster: Ints) -> Ints:
    """The vertex of each cluster that lies farthest from the middle of its part."""
    number = np.unique(part, return_inverse=True)[1].astype(np.int32)
    middle: Floats = _means(number, points)[number]
    away = np.linalg.norm(np.subtract(points, middle), axis=1)
    order = np.lexsort((-away, cluster))
    return order[np.flatnonzero(np.diff(cluster[order], prepend=-1))].astype(np.int32)


def _means(group: Ints, values: Floats) -> Floats:
    """`(groups, K)`: mean of the rows of `values` in each group."""
    counts = np.bincount(group)
    sums = [np.bincount(group, weights=column) for column in values.T]
    return (np.stack(sums, axis=1) / counts[:, None]).astype(np.float32)


def _distinct(triangles: Ints) -> Ints:
    """Without those that have collapsed, and each once."""
    a, b, c = triangles.T
    whole = triangles[(a != b) & (b != c) & (a != c)]
    low, middle, high = np.sort(whole, axis=1).astype(np.int64).T
    # One number for three: whole rows take far longer to sort.
    step = int(triangles.max(initial=0)) + 1
    _, first = np.unique((low * step + middle) * step + high, return_index=True)
    distinct: Ints = whole[np.sort(first)]
    return distinct
