"""Streets round a block: the street, bent into a ring, so that a camera can go on for any length of time.

What stands along the straight street is taken stretch by stretch to where the ring leads, the ground is laid in bands
along it, and whoever moves does so in street coordinates (see `ring`). Outside of each bend houses stand in a fan.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from foveate.world import houses, street
from foveate.world.camera import Camera
from foveate.world.families import Materials, materials
from foveate.world.flow import Flow, random_flow
from foveate.world.mesh import Floats, Mesh, merged, painted, unit
from foveate.world.motion import Actor
from foveate.world.ring import Ring
from foveate.world.scene import Scene
from foveate.world.street import KERB, LENGTH, WHITE, Plan, Scenery
from foveate.world.surfaces import Surface, by_texture, flat
from foveate.world.textures import Picture
from foveate.world.traffic import Cast, Density, clear_way, cyclists, lane_of, length_of, parked, standers, walkers
from foveate.world.views import random_still as straight_still

_Stock = tuple[list[Picture], list[Picture]]
_FINE = 1.5
"""Steps of the ground in bends, metres."""
_CORNER = 7.0
"""Speed of traffic in bends, metres a second."""
_OVERTAKING = 1.55
"""From the middle of a vehicle to the line of a bicycle that it overtakes, metres."""


@dataclass(frozen=True, kw_only=True)
class Circuit:
    """A street and the ring it is bent into."""

    plan: Plan
    """As long as the ring, without margins."""
    ring: Ring


def random_circuit(rng: np.random.Generator) -> Circuit:
    """Six streets round an L-shaped block, five bends one way and one the other; either way round."""
    plan = replace(street.random_plan(rng), lanes=int(rng.choice([2, 2, 3, 4])), stopped=False)
    # In tighter bends than 17 m a bus would swing out into the next lane.
    radius = max(plan.wall + float(rng.uniform(3, 8)), 17.0)
    a, b, c, d = (float(rng.uniform(60, 110)) + 2 * radius for _ in range(4))
    corners = [(0.0, 0.0), (a + b, 0.0), (a + b, c), (a, c), (a, c + d), (0.0, c + d)]
    turned = corners if rng.random() < 0.5 else [(x, -y) for x, y in corners]
    ring = Ring(corners=tuple(turned), radius=radius)
    side = int(rng.integers(len(corners)))
    crossing = float(ring.starts[2 * side] + rng.uniform(0.3, 0.7) * ring.lengths[2 * side])
    crossing = (crossing + ring.length / 2) % ring.length - ring.length / 2
    return Circuit(plan=replace(plan, length=ring.length, margin=0.0, crossing=crossing), ring=ring)


def build(circuit: Circuit, rng: np.random.Generator, *, unseen: bool = False) -> Scenery:
    """The scenery of a circuit. `unseen`: see `scenarios.Builder`."""
    plan, ring, stock = circuit.plan, circuit.ring, houses.stock_of(rng, unseen=unseen)
    walls, solids = _rows(circuit, stock, rng)
    made = materials(unseen=unseen)
    fans = _fans(circuit, stock, rng)
    return Scenery(
        surfaces=tuple(by_texture([*_grounds(circuit, rng, made), *walls, *(s for sheets, _ in fans for s in sheets)])),
        standing=(
            *street.stretches([*solids, *street.furnish(plan, rng)], ring.set_down),
            *(merged(meshes) for _, meshes in fans),
        ),
        lying=merged([*(ring.set_down(mesh) for mesh in street.dashes(plan)), *_lines(circuit)]),
    )


def _rows(circuit: Circuit, stock: _Stock, rng: np.random.Generator) -> tuple[list[Surface], list[Mesh]]:
    """Houses along both sides of the straights: their walls in the world, the rest in street coordinates."""
    ring = circuit.ring
    surfaces: list[Surface] = []
    meshes: list[Mesh] = []
    for start, length, turn in zip(ring.starts, ring.lengths, ring.turns, strict=True):
        for side in (-1, 1) if turn == 0 else ():
            ends = (float(start), float(start + length))
            sheets, solids = houses.row(ends, side=side, front=circuit.plan.wall, stock=stock, rng=rng, fitted=True)
            surfaces += [replace(sheet, mesh=ring.set_down(sheet.mesh)) for sheet in sheets]
            meshes += solids
    return surfaces, meshes


def _fans(circuit: Circuit, stock: _Stock, rng: np.random.Generator) -> list[tuple[list[Surface], list[Mesh]]]:
    """Houses outside of each bend, in the world."""
    ring = circuit.ring
    bends = [k for k, turn in enumerate(ring.turns) if turn != 0]
    return [_fan(circuit, float(ring.starts[k]), float(ring.turns[k]), stock, rng) for k in bends]


def _fan(
    circuit: Circuit, start: float, turn: float, stock: _Stock, rng: np.random.Generator
) -> tuple[list[Surface], list[Mesh]]:
    """Houses whose fronts touch the circle of the house fronts and one another."""
    ring, front, side = circuit.ring, circuit.plan.wall, -int(np.sign(turn))
    count = max(2, round((ring.radius + front) * abs(turn) / 11))
    step = abs(turn) / count
    width = 2 * (ring.radius + front) * float(np.tan(step / 2))
    surfaces: list[Surface] = []
    meshes: list[Mesh] = []
    for k in range(count):
        x = start + ring.radius * step * (k + 0.5)
        sheets, solids = houses.some_house(x - width / 2, width, side=side, front=front, stock=stock, rng=rng)
        surfaces += [replace(sheet, mesh=ring.set_down(sheet.mesh, x)) for sheet in sheets]
        meshes += [ring.set_down(mesh, x) for mesh in solids]
    return surfaces, meshes


def _cuts(ring: Ring) -> Floats:
    """Where bands of ground are cut, metres along the ring, from its start to its end."""
    pieces = [
        start + np.linspace(0, length, 2 if turn == 0 else int(np.ceil(length / _FINE)) + 1)[:-1]
        for start, length, turn in zip(ring.starts, ring.lengths, ring.turns, strict=True)
    ]
    return np.concatenate([*pieces, [ring.length - 1e-6]])


def _band(
    ring: Ring, right: tuple[float, float], left: tuple[float, float], colour: ArrayLike = (1, 1, 1)
) -> tuple[Mesh, Floats]:
    """The band between two lines along the ring, each of a side and a height, and the street coordinates `(V, 2)`."""
    cuts = _cuts(ring)
    rows = []
    for side, height in (right, left):
        at, heading = ring.place(cuts, side)
        rows.append(np.column_stack([at, np.full(len(cuts), height)]))
    across = np.array([left[0] - right[0], left[1] - right[1]]) / np.hypot(left[0] - right[0], left[1] - right[1])
    normal = np.stack([across[1] * np.sin(heading), -across[1] * np.cos(heading), 0 * heading + across[0]], axis=-1)
    first = np.arange(len(cuts) - 1)
    corners = np.stack([first, first + 1, first + 1 + len(cuts), first + len(cuts)], axis=1)
    triangles = corners[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)
    mesh = painted(
        np.concatenate(rows).astype(np.float32),
        unit(np.tile(normal, (2, 1)).astype(np.float32)),
        triangles.astype(np.int32),
        colour,
    )
    return mesh, np.column_stack([np.tile(cuts, 2), np.repeat([right[0], left[0]], len(cuts))])


def _grounds(circuit: Circuit, rng: np.random.Generator, made: Materials) -> list[Surface]:
    plan, ring = circuit.plan, circuit.ring
    slabs, tar = made.paving(rng), made.asphalt(rng)
    bands = [((plan.kerb, plan.wall), KERB, slabs, 4.0), ((-plan.wall, -plan.kerb), KERB, slabs, 4.0)]
    bands.append(((-plan.kerb, plan.kerb), 0.0, tar, 8.0))
    surfaces = [flat((-500, 700), (-700, 700), -0.03, made.grass(rng), 4)]
    for (low, high), z, texture, repeat in bands:
        mesh, places = _band(ring, (low, z), (high, z))
        uv = (places / repeat).astype(np.float32)
        surfaces.append(Surface(mesh=mesh, uv=uv, texture=texture, ground=True))
    return [*surfaces, *_courts(circuit, slabs)]


def _courts(circuit: Circuit, slabs: Picture) -> list[Surface]:
    """What a bend leaves open between the pavement inside of it and the ends of the two rows."""
    ring, front = circuit.ring, circuit.plan.wall
    surfaces = []
    for start, length, turn in zip(ring.starts, ring.lengths, ring.turns, strict=True):
        if turn != 0:
            side = float(np.sign(turn)) * ring.radius
            (x, y), _ = ring.place(start + length / 2, side)
            half = ring.radius - front + 1.0
            surfaces.append(flat((x - half, x + half), (y - half, y + half), KERB - 0.02, slabs, 4))
    return surfaces


def _lines(circuit: Circuit) -> list[Mesh]:
    """Edge lines and kerbs."""
    plan, ring, stone = circuit.plan, circuit.ring, (0.62, 0.61, 0.59)
    edge, top = plan.lanes * plan.lane / 2, KERB + 0.01
    bands = [((y - 0.05, 0.012), (y + 0.05, 0.012), WHITE) for y in (-edge, edge)]
    bands += [((y - 0.09, top), (y + 0.09, top), stone) for y in (-plan.kerb, plan.kerb)]
    # The faces of the kerbs towards the road: each rises away from it.
    bands += [((plan.kerb - 0.09, 0.0), (plan.kerb - 0.089, top), stone)]
    bands += [((-plan.kerb + 0.089, top), (-plan.kerb + 0.09, 0.0), stone)]
    return [_band(ring, right, left, colour)[0] for right, left, colour in bands]


def scaled(density: Density, circuit: Circuit) -> Density:
    """`density` of the straight street, for all of a circuit."""
    ratio = circuit.ring.length / LENGTH
    counts = {name: round(getattr(density, name) * ratio) for name in ("walkers", "standing", "cycles")}
    return replace(density, **counts)


def populate(
    circuit: Circuit,
    density: Density,
    rng: np.random.Generator,
    *,
    flow: Flow | None = None,
    unseen: bool = False,
) -> Sequence[Actor]:
    """Everybody and everything in a circuit, at the density of the straight street.

    `flow` is the camera's, which passes the ring's start at time 0: traffic in its lane follows it and leaves a gap,
    and nobody else keeps to a line that it would touch. `unseen`: see `scenarios.Builder`.
    """
    plan, dense = circuit.plan, scaled(density, circuit)
    cast = Cast(rng, people=min(40, 6 + dense.walkers // 2), vehicles=16, unseen=unseen)
    afoot = [actor for group in (walkers, standers, cyclists) for actor in group(plan, dense, cast, rng)]
    still = [car for car in parked(plan, dense, cast, rng) if circuit.ring.straight(car.at[0], length_of(car.model))]
    driven = _driving(circuit, dense, cast, rng, flow)
    others = [*afoot, *still, *(actor for actor in driven if actor.flow is not flow)]
    # Long vehicles swing out where the road bends, and a camera at the road's edge weaves a little: 0.25 m for both.
    free = others if flow is None else clear_way(others, y=flow.side, half=0.75, touch=0.25)
    return [_bent(actor, circuit.ring) for actor in [*free, *(a for a in driven if flow and a.flow is flow)]]


def _bent(actor: Actor, ring: Ring) -> Actor:
    """`actor` of the straight street, on the ring."""
    if actor.flow is not None:
        return actor
    if actor.speed > 0:
        own = ring.length_at(actor.at[1])
        return replace(actor, ring=ring, span=own, start=actor.start * own / ring.length)
    (x, y), heading = ring.place(actor.at[0] + actor.start, actor.at[1])
    return replace(actor, at=(float(x), float(y), actor.at[2]), heading=actor.heading + float(heading))


def _driving(
    circuit: Circuit, density: Density, cast: Cast, rng: np.random.Generator, taken: Flow | None
) -> list[Actor]:
    actors: list[Actor] = []
    for lane in range(circuit.plan.lanes):
        y, heading = lane_of(circuit.plan, lane)
        flow = random_flow(circuit.ring, rng, side=y, forward=heading == 0, cruise=(7, 12), corner=_CORNER)
        if taken is not None and taken.side == y:
            flow = taken
        actors += _convoy(flow, density, cast, rng, taken)
    return actors


def _beside(lane: float, taken: Flow | None) -> float:
    """Where in a lane vehicles keep: clear of a bicycle at its edge, in the middle otherwise."""
    if taken is None or taken.side == lane or abs(taken.side - lane) > _OVERTAKING:
        return lane
    return taken.side + float(np.copysign(_OVERTAKING, lane - taken.side))


def _convoy(flow: Flow, density: Density, cast: Cast, rng: np.random.Generator, taken: Flow | None) -> list[Actor]:
    """Vehicles one behind another round a lane, a few seconds apart."""
    actors: list[Actor] = []
    side = _beside(flow.side, taken)
    clear = 2.2 if flow is taken else 0.0
    time = clear
    while True:
        model = cast.driven()
        # Even at its slowest nobody touches who is before or behind; bends bring the inner lane closer together.
        half = (length_of(model) / 2 + 1.2) / flow.slowest
        if time + 2 * half > flow.lap_s - clear:
            return actors
        at = (0.0, side + float(np.clip(rng.normal(0, 0.08), -0.2, 0.2)), 0.0)
        actors.append(Actor(model=model, at=at, heading=0.0, start=time + half, flow=flow))
        time += 2 * half + float(rng.exponential(0.8) * density.gap_m / 9.0)


def random_still(
    circuit: Circuit, scene: Scene, rng: np.random.Generator, *, size: tuple[int, int], time: float
) -> Camera:
    """A camera somewhere in the streets, not inside anybody."""

    def put(x: float, y: float) -> tuple[tuple[float, float], float]:
        at, heading = circuit.ring.place(x, y)
        return (float(at[0]), float(at[1])), float(heading)

    return straight_still(scene, rng, size=size, time=time, put=put)
