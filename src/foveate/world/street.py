"""The ground and the walls of a street: a road along x, kerbs, pavements, rows of houses, trees and furniture."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from foveate.world import furniture, houses
from foveate.world.families import Materials, materials
from foveate.world.mesh import Mesh, box, merged, quad
from foveate.world.surfaces import Surface, by_texture, flat, wall

KERB = 0.12
"""Height of the pavement above the road, metres."""
LENGTH = 280.0
"""Length of the straight street, metres; x runs from -LENGTH / 2 to LENGTH / 2."""


_STRETCH = 24.0
"""Length of street whose standing things are drawn or left out together, metres."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Measures of a street, metres."""

    lanes: int
    """Driving lanes of both directions together."""
    lane: float
    """Width of a driving lane."""
    parking: float
    """Width of the parking strip on each side, 0 for none."""
    pavement: float
    """Width of the pavement on each side."""
    crossing: float
    """Abscissa of the zebra crossing."""
    stopped: bool
    """Whether traffic waits at the zebra while people cross."""
    length: float = LENGTH
    """Of the street, half of it on either side of x = 0."""
    margin: float = 10.0
    """At both ends of the street, where nobody goes."""

    @property
    def track(self) -> float:
        """Length of a track along the whole street."""
        return self.length - 2 * self.margin

    @property
    def ends(self) -> tuple[float, float]:
        """Abscissae of the street's ends."""
        return (-self.length / 2, self.length / 2)

    @property
    def kerb(self) -> float:
        """Distance of the kerb from the middle of the road."""
        return self.lanes * self.lane / 2 + self.parking

    @property
    def wall(self) -> float:
        """Distance of the house fronts from the middle of the road."""
        return self.kerb + self.pavement


@dataclass(frozen=True, kw_only=True)
class Scenery:
    """Everything that never moves and is not an object."""

    surfaces: tuple[Surface, ...]
    standing: tuple[Mesh, ...]
    """Untextured things that may hide objects, a mesh for each stretch of street, so that most stay undrawn."""
    lying: Mesh
    """Untextured things on the ground: markings and kerbs."""


def random_plan(rng: np.random.Generator) -> Plan:
    """A street of one to four lanes."""
    return Plan(
        lanes=int(rng.choice([2, 2, 2, 3, 4])),
        lane=float(rng.uniform(2.9, 3.5)),
        parking=float(rng.choice([0.0, 2.2, 2.3], p=[0.25, 0.4, 0.35])),
        pavement=float(rng.uniform(2.8, 6.5)),
        crossing=float(rng.uniform(-40, 40)),
        stopped=bool(rng.random() < 0.45),
    )


def _grounds(plan: Plan, rng: np.random.Generator, made: Materials) -> list[Surface]:
    x, slabs = plan.ends, made.paving(rng)
    sides = [flat(x, y, KERB, slabs, 4) for y in ((plan.kerb, plan.wall), (-plan.wall, -plan.kerb))]
    verge = flat((-500, 500), (-500, 500), -0.03, made.grass(rng), 4)
    cross = flat((-500, 500), (-plan.kerb, plan.kerb), 0.0, made.asphalt(rng), 8)
    return [*sides, verge, cross]


WHITE = (0.82, 0.82, 0.80)
"""Colour of markings."""


def dashes(plan: Plan) -> list[Mesh]:
    """The broken lines between lanes, and the zebra."""
    edge = plan.lanes * plan.lane / 2
    lines = [-edge + k * plan.lane for k in range(1, plan.lanes)]
    starts = np.arange(*plan.ends, 6.0)
    strips = [
        ((start, start + 3.0), (y - 0.07, y + 0.07))
        for y in lines
        for start in starts
        if abs(start + 1.5 - plan.crossing) > 5
    ]
    bars = np.arange(-edge + 0.3, edge - 0.5, 1.0)
    strips += [((plan.crossing - 1.7, plan.crossing + 1.7), (y, y + 0.5)) for y in bars]
    return [_strip(x, y, WHITE) for x, y in strips]


def _edges(plan: Plan) -> list[Mesh]:
    edge = plan.lanes * plan.lane / 2
    return [_strip(plan.ends, (y - 0.05, y + 0.05), WHITE) for y in (-edge, edge)]


def _strip(x: tuple[float, float], y: tuple[float, float], colour: ArrayLike, z: float = 0.012) -> Mesh:
    return quad([(x[0], y[0], z), (x[1], y[0], z), (x[1], y[1], z), (x[0], y[1], z)], colour)


def _kerbs(plan: Plan) -> list[Mesh]:
    return [
        box((plan.length, 0.18, KERB + 0.01), (0.62, 0.61, 0.59), centre=(0, side * (plan.kerb - 0.02), KERB / 2))
        for side in (-1, 1)
    ]


def _rows(plan: Plan, rng: np.random.Generator, *, unseen: bool) -> tuple[list[Surface], list[Mesh]]:
    ends, stock = plan.ends, houses.stock_of(rng, unseen=unseen)
    surfaces: list[Surface] = []
    meshes: list[Mesh] = []
    for side in (-1, 1):
        sheets, solids = houses.row(ends, side=side, front=plan.wall, stock=stock, rng=rng)
        surfaces += sheets
        meshes += solids
    for sign in (-1, 1):
        start, end, face = (
            (sign * 145.0, sign * 60.0),
            (sign * 145.0, -sign * 60.0),
            stock[0][rng.integers(6)],
        )
        surfaces.append(wall(start, end, z=(0, 16), texture=face, repeats=(10, 1.2)))
    return surfaces, meshes


def furnish(plan: Plan, rng: np.random.Generator) -> list[Mesh]:
    """Trees, lamps, signs, benches and what else stands on the pavements."""
    low, high = plan.ends
    meshes: list[Mesh] = []
    trees, spacing = (
        [furniture.tree(rng, height=float(rng.uniform(5, 10))) for _ in range(3)],
        float(rng.uniform(9, 22)),
    )
    wooded = rng.random(2) < 0.65
    for side in (0, 1):
        sign, y = 2 * side - 1, plan.kerb + 0.55
        if wooded[side]:
            places = np.arange(low + rng.uniform(0, spacing), high, spacing)
            meshes += [
                trees[rng.integers(3)].moved(by=(x, sign * y, KERB), yaw=float(rng.uniform(0, 6))) for x in places
            ]
        for x in np.arange(low, high, 7.0) + rng.uniform(0, 5):
            make: Callable[[np.random.Generator], Mesh] = furniture.KERB_SIDE[rng.integers(len(furniture.KERB_SIDE))]
            if rng.random() < 0.75:
                meshes.append(make(rng).moved(by=(x + 3.3, sign * (y - 0.1), KERB), yaw=0.0 if sign > 0 else np.pi))
        for x in rng.uniform(low, high, round(6 * plan.length / LENGTH)):
            meshes.append(
                furniture.bench(rng).moved(by=(x, sign * (plan.wall - 0.5), KERB), yaw=0.0 if sign > 0 else np.pi)
            )
    return meshes


def build(plan: Plan, rng: np.random.Generator, *, unseen: bool = False) -> Scenery:
    """The scenery of a street; surfaces of one texture are merged into one. `unseen`: see `scenarios.Builder`."""
    walls, solids = _rows(plan, rng, unseen=unseen)
    surfaces = by_texture([*_grounds(plan, rng, materials(unseen=unseen)), *walls])
    return Scenery(
        surfaces=tuple(surfaces),
        standing=stretches([*solids, *furnish(plan, rng)]),
        lying=merged([*dashes(plan), *_edges(plan), *_kerbs(plan)]),
    )


def stretches(meshes: list[Mesh], put: Callable[[Mesh], Mesh] = lambda mesh: mesh) -> tuple[Mesh, ...]:
    """What stands along a street, merged stretch by stretch, each thing taken where it belongs by `put`."""
    groups: dict[int, list[Mesh]] = {}
    for mesh in meshes:
        groups.setdefault(int(mesh.points[:, 0].mean() // _STRETCH), []).append(put(mesh))
    return tuple(merged(groups[key]) for key in sorted(groups))
