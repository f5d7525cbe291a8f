"""All moving things as one skinned mesh: a rest mesh whose vertices each follow one bone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foveate.world.errors import WorldError
from foveate.world.mesh import Floats, Ints, Mesh, merged


@dataclass(frozen=True, kw_only=True)
class Part:
    """A mesh that follows bone number `bone` of its object, in that bone's frame."""

    mesh: Mesh
    bone: int


@dataclass(frozen=True, kw_only=True)
class Model:
    """One object at rest. Raises `WorldError` without parts."""

    category: str
    """COCO name of the object."""
    parts: tuple[Part, ...]
    bones: int
    """How many bones the object has."""

    def __post_init__(self) -> None:
        if not self.parts or max(part.bone for part in self.parts) >= self.bones:
            raise WorldError(f"a {self.category} needs parts, each on one of its {self.bones} bones")


@dataclass(frozen=True, kw_only=True)
class Skin:
    """Many models in one set of arrays."""

    rest: Mesh
    bone: Ints
    """`(V,)`: bone of each vertex, counted over all objects."""
    vertex_start: Ints
    """`(objects + 1,)`: first vertex of each object."""
    triangle_start: Ints
    """`(objects + 1,)`: first triangle of each object."""

    @property
    def count(self) -> int:
        """How many objects there are."""
        return len(self.vertex_start) - 1

    def posed(self, bones: Floats, keep: Ints) -> tuple[Mesh, Ints]:
        """The mesh of the objects `keep` under `bones` `(bones, 3, 4)`, and the object of each vertex."""
        vertices = ranges(self.vertex_start, keep)
        matrices = bones[self.bone[vertices]]
        points = np.einsum("vij,vj->vi", matrices[..., :3], self.rest.points[vertices]) + matrices[..., 3]
        normals = np.einsum("vij,vj->vi", matrices[..., :3], self.rest.normals[vertices])
        sizes = np.diff(self.vertex_start)[keep]
        first = np.cumsum([0, *sizes[:-1]])
        lengths = np.diff(self.triangle_start)[keep]
        shift = np.repeat(first - self.vertex_start[keep], lengths)
        triangles = self.rest.triangles[ranges(self.triangle_start, keep)] + shift[:, None]
        mesh = Mesh(
            points=points.astype(np.float32),
            normals=normals.astype(np.float32),
            colours=self.rest.colours[vertices],
            gloss=self.rest.gloss[vertices],
            triangles=triangles.astype(np.int32),
        )
        return mesh, np.repeat(keep, sizes).astype(np.int32)


def ranges(start: Ints, keep: Ints) -> Ints:
    """Indices `start[k] .. start[k + 1] - 1` for each k in `keep`, in order."""
    if len(keep) == 0:
        return np.zeros(0, np.int32)
    return np.concatenate([np.arange(start[k], start[k + 1], dtype=np.int32) for k in keep])


def skinned(models: Sequence[Model]) -> Skin:
    """One skin over all `models`; their bones follow one another in the same order."""
    meshes, bones, vertices, triangles, base = [], [], [0], [0], 0
    for model in models:
        mesh = merged([part.mesh for part in model.parts])
        meshes.append(mesh)
        bones += [np.full(len(part.mesh.points), base + part.bone, np.int32) for part in model.parts]
        vertices.append(vertices[-1] + len(mesh.points))
        triangles.append(triangles[-1] + len(mesh.triangles))
        base += model.bones
    return Skin(
        rest=merged(meshes),
        bone=np.concatenate(bones),
        vertex_start=np.array(vertices, np.int32),
        triangle_start=np.array(triangles, np.int32),
    )
