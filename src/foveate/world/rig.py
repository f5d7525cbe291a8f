"""All moving things as one skinned mesh, in several levels of detail: each vertex at rest follows one bone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foveate.world.detail import LEVELS, simplified
from foveate.world.errors import WorldError
from foveate.world.mesh import Floats, Ints, Mesh, merged, painted

_NOTHING = painted(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32), (0, 0, 0))


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
    """Many models in one set of arrays: shapes, which are the objects in full, then all of them at each level."""

    rest: Mesh
    bone: Ints
    """`(V,)`: bone of each vertex, counted over all objects."""
    vertex_start: Ints
    """`(shapes + 1,)`: first vertex of each shape."""
    triangle_start: Ints
    """`(shapes + 1,)`: first triangle of each shape."""

    @property
    def count(self) -> int:
        """How many objects there are."""
        return (len(self.vertex_start) - 1) // (len(LEVELS) + 1)

    def posed(self, bones: Floats, objects: Ints, levels: Ints | None = None) -> tuple[Mesh, Ints]:
        """The mesh of `objects` under `bones` `(bones, 3, 4)`, and the object of each vertex.

        `levels` is the level of detail of each object, see `detail.level_at`; all are drawn in full without it.
        """
        keep = objects if levels is None else objects + levels * self.count
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
        return mesh, np.repeat(objects, sizes).astype(np.int32)


def ranges(start: Ints, keep: Ints) -> Ints:
    """Indices `start[k] .. start[k + 1] - 1` for each k in `keep`, in order."""
    if len(keep) == 0:
        return np.zeros(0, np.int32)
    return np.concatenate([np.arange(start[k], start[k + 1], dtype=np.int32) for k in keep])


def skinned(models: Sequence[Model]) -> Skin:
    """One skin over all `models`, which may be none; their bones follow one another in the same order."""
    first = np.cumsum([0, *(model.bones for model in models)])[:-1]
    kinds = {id(model): _shapes(model) for model in models}
    shapes = [(kinds[id(m)][k], base) for k in range(len(LEVELS) + 1) for m, base in zip(models, first, strict=True)]
    meshes = [mesh for (mesh, _), _ in shapes]
    return Skin(
        rest=merged([_NOTHING, *meshes]),
        bone=np.concatenate([np.zeros(0), *(bone + base for (_, bone), base in shapes)]).astype(np.int32),
        vertex_start=np.cumsum([0, *(len(mesh.points) for mesh in meshes)]).astype(np.int32),
        triangle_start=np.cumsum([0, *(len(mesh.triangles) for mesh in meshes)]).astype(np.int32),
    )


def _shapes(model: Model) -> list[tuple[Mesh, Ints]]:
    """A model in full and at each level: its mesh, and the bone of each vertex."""
    full, bones = merged([part.mesh for part in model.parts]), np.array([part.bone for part in model.parts], np.int32)
    sizes = [len(part.mesh.points) for part in model.parts]
    part = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    levels = [(full, part), *(simplified(full, part, level.cell) for level in LEVELS)]
    return [(mesh, bones[number]) for mesh, number in levels]
