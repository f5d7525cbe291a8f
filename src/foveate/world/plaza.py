"""The plaza: a wide square among houses, seen from a mast, with a crowd of which most are far away."""

from dataclasses import dataclass, replace

import numpy as np

from foveate.world import crowd, furniture, houses
from foveate.world.camera import Camera, Fixed
from foveate.world.crowd import is_clear
from foveate.world.cycles import BICYCLE_SADDLE, bicycle
from foveate.world.families import Materials, materials
from foveate.world.light import Light, sunny
from foveate.world.mesh import Floats, Mesh, box, loft, merged, quad, rings_of, rotation_z, tube
from foveate.world.motion import Actor, Bearing
from foveate.world.scene import Scene
from foveate.world.sensor import Sensor, random_sensor
from foveate.world.shoot import Shoot, stream
from foveate.world.street import Plan, Scenery, stretches
from foveate.world.sunny import dome
from foveate.world.surfaces import Surface, by_texture, flat
from foveate.world.traffic import Cast, Density, driving, parked

_HALF = 78.0
"""Half the width of the plaza along x, metres; the camera looks along y from y = 0."""
_NEAR = -20.0
"""Where the paved ground begins, metres."""
_ROAD = 12.0
"""From the far edge of the plaza to the houses beyond the road, metres."""


@dataclass(frozen=True, kw_only=True)
class PlazaPlan:
    """Measures of a plaza, metres, and how full it is."""

    depth: float
    """Where the paved ground ends, and the road begins."""
    people: int
    """How many there are in all."""
    knots: float
    """Share of them who stand in knots."""
    monument: tuple[float, float]
    """Middle of the fountain or the column."""
    column: bool
    """Whether a column stands in the middle; a fountain otherwise."""


def random_plaza(rng: np.random.Generator) -> PlazaPlan:
    """A busy day."""
    return PlazaPlan(
        depth=float(rng.uniform(104, 120)),
        people=int(rng.integers(430, 570)),
        knots=float(rng.uniform(0.2, 0.4)),
        monument=(float(rng.uniform(-16, 16)), float(rng.uniform(58, 74))),
        column=bool(rng.random() < 0.5),
    )


def _grounds(plan: PlazaPlan, rng: np.random.Generator, made: Materials) -> list[Surface]:
    field, road = made.paving(rng), (plan.depth, plan.depth + _ROAD)
    square = flat((-_HALF - 20, _HALF + 20), (_NEAR - 40, plan.depth), 0.0, field, 4.0)
    lane = flat((-300, 300), road, -0.02, made.asphalt(rng), 8.0)
    verge = flat((-500, 500), (-500, 500), -0.06, made.grass(rng), 4.0)
    return [square, lane, verge]


def _bands(plan: PlazaPlan, rng: np.random.Generator) -> list[Mesh]:
    """Stone bands across the paving, rings about the monument, and the road's markings."""
    tone, step = rng.uniform(0.28, 0.5) * np.array([1.0, 0.95, 0.9]), float(rng.uniform(9, 14))
    strips = [_strip((x, x + 0.5), (_NEAR, plan.depth), tone) for x in np.arange(-_HALF, _HALF, step)]
    strips += [_strip((-_HALF, _HALF), (y, y + 0.5), tone) for y in np.arange(_NEAR, plan.depth, step)]
    middle = plan.depth + _ROAD / 2
    strips += [_strip((x, x + 3), (middle - 0.07, middle + 0.07), (0.82, 0.82, 0.8)) for x in np.arange(-140, 140, 6.0)]
    strips.append(box((300, 0.25, 0.12), (0.62, 0.61, 0.59), centre=(0, plan.depth, 0.0)))
    rings = [_ring(plan.monument, radius, radius + 0.7, 0.85 * tone) for radius in (8.0, 11.0)]
    return [*strips, *rings]


def _strip(x: tuple[float, float], y: tuple[float, float], colour: Floats | tuple[float, float, float]) -> Mesh:
    return quad([(x[0], y[0], 0.012), (x[1], y[0], 0.012), (x[1], y[1], 0.012), (x[0], y[1], 0.012)], colour)


def _ring(centre: tuple[float, float], inner: float, outer: float, colour: Floats) -> Mesh:
    angle = np.linspace(0, 2 * np.pi, 49)
    rim = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    corners = [(inner * rim[k], outer * rim[k], outer * rim[k + 1], inner * rim[k + 1]) for k in range(48)]
    return merged([quad(np.array(four), colour) for four in corners]).moved(by=(*centre, 0.02))


def _walls(plan: PlazaPlan, rng: np.random.Generator, *, unseen: bool) -> tuple[list[Surface], list[Mesh]]:
    """Houses beyond the road and along both sides."""
    stock, far = houses.stock_of(rng, unseen=unseen), plan.depth + _ROAD + 4.0
    surfaces, meshes = houses.row((-_HALF - 30, _HALF + 30), side=1, front=far, stock=stock, rng=rng)
    behind, roofs = houses.row((-_HALF - 60, _HALF + 60), side=1, front=far + 30, stock=stock, rng=rng)
    surfaces, meshes = [*surfaces, *behind], [*meshes, *roofs]
    for side in (-1, 1):
        sheets, solids = houses.row(
            (_NEAR - 10, plan.depth - 4), side=1, front=_HALF, stock=stock, rng=rng, fitted=True
        )
        # A row looks towards -y from beyond its front: turned a quarter, it stands beside the plaza.
        shift = (0.0, plan.depth + _NEAR - 14.0 if side > 0 else 0.0, 0.0)
        turn = rotation_z(-side * np.pi / 2)
        surfaces += [replace(s, mesh=s.mesh.turned(turn, by=shift)) for s in sheets]
        meshes += [mesh.turned(turn, by=shift) for mesh in solids]
    return surfaces, meshes


def _fountain() -> Mesh:
    stone, water = (0.66, 0.63, 0.58), (0.35, 0.52, 0.60)
    basin = loft(rings_of([(0, 5.0, 5.0), (0.5, 5.0, 5.0), (0.5, 4.5, 4.5), (0.3, 4.5, 4.5)], segments=32), stone)
    pool = loft(rings_of([(0.36, 4.5, 4.5), (0.37, 4.5, 4.5)], segments=32), water, gloss=0.6)
    bowl = loft(rings_of([(0.3, 0.5, 0.5), (1.6, 0.35, 0.35), (2.0, 1.6, 1.6), (2.1, 1.5, 1.5)], segments=20), stone)
    jet = loft(rings_of([(2.0, 0.12, 0.12), (3.2, 0.07, 0.07), (3.6, 0.2, 0.2)]), (0.85, 0.9, 0.92))
    return merged([basin, pool, bowl, jet])


def _column() -> Mesh:
    stone = (0.68, 0.65, 0.6)
    steps = [box((8 - 1.4 * k, 8 - 1.4 * k, 0.3), stone, centre=(0, 0, 0.15 + 0.3 * k)) for k in range(3)]
    plinth = box((2.6, 2.6, 2.4), (0.58, 0.56, 0.53), centre=(0, 0, 2.1))
    shaft = loft(rings_of([(3.3, 0.8, 0.8), (9.5, 0.6, 0.6), (9.8, 1.0, 1.0), (10.2, 1.0, 1.0)], segments=18), stone)
    figure = loft(rings_of([(10.2, 0.4, 0.4), (11.4, 0.3, 0.35), (12.0, 0.2, 0.2)]), (0.25, 0.36, 0.32))
    return merged([*steps, plinth, shaft, figure])


def _stall(rng: np.random.Generator) -> Mesh:
    """A market stall of 3 m under a striped roof."""
    colour = rng.uniform(0.2, 0.85, 3)
    posts = [tube((x, y, 0), (x, y, 2.3), 0.03, furniture.IRON) for x in (-1.5, 1.5) for y in (-1, 1)]
    table = [box((2.9, 1.3, 0.9), rng.uniform(0.25, 0.6, 3), centre=(0, 0, 0.45))]
    goods = [
        box(rng.uniform(0.15, 0.4, 3), rng.uniform(0.1, 0.95, 3), centre=(x, y, 1.0))
        for x in np.arange(-1.2, 1.3, 0.4)
        for y in (-0.4, 0.4)
    ]
    roof = []
    for k in range(8):
        x, paint = -1.8 + 0.45 * k, colour if k % 2 else np.array([0.92, 0.9, 0.86])
        for side in (-1, 1):
            slope = [(x, side * 1.3, 2.2), (x + 0.45, side * 1.3, 2.2), (x + 0.45, 0, 2.8), (x, 0, 2.8)]
            roof.append(quad(slope if side < 0 else slope[::-1], paint))
    return merged([*posts, *table, *goods, *roof])


def _parasol(rng: np.random.Generator) -> Mesh:
    """A café table under a parasol, with chairs."""
    cloth = rng.uniform(0.25, 0.92, 3) if rng.random() < 0.5 else np.array([0.9, 0.87, 0.8])
    shade = loft(rings_of([(2.2, 1.6, 1.6), (2.75, 0.1, 0.1)], segments=8), cloth)
    table = loft(rings_of([(0.7, 0.45, 0.45), (0.74, 0.45, 0.45)], segments=12), (0.8, 0.8, 0.78))
    chairs = []
    for angle in np.arange(4) * np.pi / 2 + float(rng.uniform(0, 1)):
        chair = merged(
            [
                box((0.42, 0.42, 0.46), furniture.WOOD, centre=(0, 0, 0.23)),
                box((0.05, 0.42, 0.5), furniture.WOOD, centre=(0.2, 0, 0.7)),
            ]
        )
        chairs.append(chair.moved(by=(0.95 * np.cos(angle), 0.95 * np.sin(angle), 0), yaw=float(angle)))
    return merged([tube((0, 0, 0), (0, 0, 2.3), 0.03, furniture.IRON), table, shade, *chairs])


def _tree_tub(rng: np.random.Generator, tree: Mesh) -> Mesh:
    rim = box((2.2, 2.2, 0.5), (0.6, 0.58, 0.55), centre=(0, 0, 0.25))
    return merged([rim, tree.moved(by=(0, 0, 0.4), yaw=float(rng.uniform(0, 6)))])


Disc = tuple[float, float, float]
"""Where nobody can walk: x, y and radius, metres."""


def _furnish(plan: PlazaPlan, rng: np.random.Generator) -> tuple[list[Mesh], list[Disc]]:
    """What stands on the plaza, and the ground that it takes."""
    meshes, discs = [(_column() if plan.column else _fountain()).moved(by=(*plan.monument, 0))], []
    discs.append((*plan.monument, 5.8))
    trees = [furniture.tree(rng, height=float(rng.uniform(5, 9))) for _ in range(4)]
    places = [(side * x, y) for side in (-1, 1) for x in (30.0, 52.0) for y in np.arange(34, plan.depth - 8, 13.0)]
    for x, y in places:
        meshes.append(_tree_tub(rng, trees[rng.integers(4)]).moved(by=(x, y, 0)))
        discs.append((x, y, 1.6))
        if rng.random() < 0.6:
            meshes.append(furniture.bench(rng).moved(by=(x, y - 2.0, 0), yaw=np.pi))
            discs.append((x, y - 2.0, 0.9))
    for x in (-41.0, -18.0, 18.0, 41.0):
        for y in (22.0, 52.0, 84.0):
            if is_clear((x, y), 0.0, 0.1, np.array(discs), 1.0):
                meshes.append(furniture.lamp_post(rng).moved(by=(x, y, 0), yaw=float(rng.uniform(0, 6))))
                discs.append((x, y, 0.3))
    for make, count, room, area in (
        (_stall, int(rng.integers(6, 14)), 2.2, (-24.0, 24.0, 26.0, plan.depth - 8)),
        (_parasol, int(rng.integers(8, 18)), 2.0, (-_HALF + 4, -_HALF + 16, 20.0, plan.depth - 8)),
        (_parasol, int(rng.integers(8, 18)), 2.0, (_HALF - 16, _HALF - 4, 20.0, plan.depth - 8)),
        (furniture.planter, 10, 1.0, (-60.0, 60.0, 12.0, plan.depth - 6)),
        (furniture.waste_bin, 12, 0.6, (-60.0, 60.0, 12.0, plan.depth - 6)),
        (furniture.cabinet, 6, 0.9, (-60.0, 60.0, 12.0, plan.depth - 4)),
    ):
        for _ in range(count):
            x, y = float(rng.uniform(*area[:2])), float(rng.uniform(*area[2:]))
            if is_clear((x, y), 0.0, 0.1, np.array(discs), room):
                meshes.append(make(rng).moved(by=(x, y, 0), yaw=float(rng.choice([0.0, np.pi / 2]))))
                discs.append((x, y, room))
    return meshes, discs


def scenery_of(plan: PlazaPlan, rng: np.random.Generator, *, unseen: bool = False) -> tuple[Scenery, Floats]:
    """Everything that never moves, and `(N, 3)` the discs of ground that it takes."""
    walls, solids = _walls(plan, rng, unseen=unseen)
    meshes, discs = _furnish(plan, rng)
    scenery = Scenery(
        surfaces=tuple(by_texture([*_grounds(plan, rng, materials(unseen=unseen)), *walls])),
        standing=stretches([*solids, *meshes]),
        lying=merged(_bands(plan, rng)),
    )
    return scenery, np.array(discs)


def _spot(plan: PlazaPlan, rng: np.random.Generator, discs: Floats, room: float) -> tuple[float, float]:
    """A free place on the plaza, rather far from the camera than near, and hardly ever aside of its view."""
    for _ in range(60):
        y = 9 + (plan.depth - 13) * float(rng.random()) ** 0.75
        x = float(rng.uniform(-1, 1)) * min(_HALF - 6, 15 + 0.85 * y)
        if is_clear((x, y), 0.0, 0.1, discs, room):
            break
    return x, y


def _lanes(plan: PlazaPlan, rng: np.random.Generator, discs: Floats) -> list[tuple[float, float, float, float]]:
    """Lines across the plaza on which many walk: middle, heading and length."""
    lanes: list[tuple[float, float, float, float]] = []
    for _ in range(400):
        across = rng.random() < 0.45
        heading = float(rng.normal(0, 0.25) if across else np.pi / 2 + rng.normal(0, 0.35))
        x, y = _spot(plan, rng, discs, 1.5)
        length = float(rng.uniform(60, 130) if across else rng.uniform(50, 90))
        ends = [(x + s * length / 2 * np.cos(heading), y + s * length / 2 * np.sin(heading)) for s in (-1, 1)]
        inside = all(abs(u) < _HALF - 1 and 4 < v < plan.depth - 1 for u, v in ends)
        if inside and is_clear((x, y), heading, length, discs, 1.0):
            lanes.append((x, y, heading, length))
        if len(lanes) == 14:
            break
    return lanes


def _walkers(plan: PlazaPlan, cast: Cast, rng: np.random.Generator, discs: Floats, count: int) -> list[Actor]:
    """Half of them in lanes that many use, the others each on a line of their own; all turn round at its ends."""
    lanes, actors = _lanes(plan, rng, discs), list[Actor]()
    while len(actors) < count:
        if lanes and rng.random() < 0.55:
            x, y, heading, span = lanes[rng.integers(len(lanes))]
            aside = float(rng.normal(0, 0.9))
            x, y = x - aside * np.sin(heading), y + aside * np.cos(heading)
        else:
            (x, y), heading, span = (
                _spot(plan, rng, discs, 1.0),
                float(rng.uniform(0, 2 * np.pi)),
                float(rng.uniform(15, 60)),
            )
        if is_clear((x, y), heading, span, discs, 0.7):
            actors += crowd.walking(cast, rng, middle=(x, y), heading=heading, span=span, paces=True)
    return actors


def _still_people(plan: PlazaPlan, cast: Cast, rng: np.random.Generator, discs: Floats, count: int) -> list[Actor]:
    actors: list[Actor] = []
    while len(actors) < count:
        size = int(rng.choice([1, 2, 3, 4, 6], p=[0.25, 0.3, 0.22, 0.15, 0.08]))
        place = _spot(plan, rng, discs, 1.2)
        if size == 1:
            actors.append(crowd.standing(cast, rng, place, float(rng.uniform(0, 2 * np.pi))))
        else:
            actors += crowd.knot(cast, rng, place, size)
    for angle in rng.choice(28, 12, replace=False) * (2 * np.pi / 28):
        x, y = plan.monument[0] + 4.85 * np.cos(angle), plan.monument[1] + 4.85 * np.sin(angle)
        if not plan.column:
            actors.append(crowd.sitting(cast, rng, (float(x), float(y)), float(angle)))
    return actors


def _riders(plan: PlazaPlan, cast: Cast, rng: np.random.Generator, discs: Floats) -> list[Actor]:
    """Bicycles ridden through the crowd, and some that stand."""
    actors: list[Actor] = []
    cycles = [bicycle(rng) for _ in range(4)]
    for x, y, heading, span in _lanes(plan, rng, discs)[: int(rng.integers(4, 9))]:
        cycle, (height, model) = cycles[rng.integers(4)], cast.someone(riding=True)
        speed, start = float(rng.uniform(2.5, 4.5)), float(rng.uniform(-span / 2, span / 2))
        mount = Actor(model=cycle, at=(x, y, 0.0), heading=heading, speed=speed, start=start, span=span, paces=True)
        bearing = Bearing(height=height, phase=float(rng.uniform(0, 6)), lean=0.3, saddle=BICYCLE_SADDLE, reach=0.85)
        actors += [mount, replace(mount, model=model, start=start - 0.2, bearing=bearing)]
    for _ in range(int(rng.integers(6, 14))):
        x, y = _spot(plan, rng, discs, 0.8)
        actors.append(Actor(model=cycles[rng.integers(4)], at=(x, y, 0.0), heading=float(rng.uniform(0, 6))))
    return actors


def _traffic(plan: PlazaPlan, cast: Cast, rng: np.random.Generator) -> list[Actor]:
    """Vehicles on the road beyond the plaza."""
    road = Plan(lanes=2, lane=3.4, parking=2.2, pavement=3.0, crossing=1e3, stopped=False, length=240.0)
    density = Density(walkers=0, standing=0, crossing=0, gap_m=float(rng.uniform(12, 40)), parked=0.7, cycles=0)
    actors = [*driving(road, density, cast, rng), *parked(road, density, cast, rng)]
    return [replace(a, at=(a.at[0], a.at[1] + plan.depth + _ROAD / 2, a.at[2])) for a in actors]


def crowd_of(plan: PlazaPlan, discs: Floats, rng: np.random.Generator, *, unseen: bool = False) -> list[Actor]:
    """Everybody and everything that moves or may move."""
    cast, standing = Cast(rng, people=70, vehicles=10, unseen=unseen), round(plan.knots * plan.people)
    return [
        *_walkers(plan, cast, rng, discs, plan.people - standing),
        *_still_people(plan, cast, rng, discs, standing),
        *_riders(plan, cast, rng, discs),
        *_traffic(plan, cast, rng),
    ]


def mast(rng: np.random.Generator) -> Fixed:
    """A camera 12.5 to 19 m above the near edge of the plaza."""
    high, view = float(rng.uniform(12.5, 19)), float(np.radians(rng.uniform(42, 52)))
    # The upper edge of the picture lies a little over the horizon.
    pitch = -view / 2 + float(np.radians(rng.uniform(4.0, 9.0)))
    return Fixed(
        position=(float(rng.uniform(-14, 14)), -4.0, high),
        yaw=float(np.pi / 2 + rng.normal(0, 0.08)),
        pitch=pitch,
        field_of_view=view,
        tremor=float(rng.uniform(0, 2e-4)),
    )


def good_sensor(rng: np.random.Generator) -> Sensor:
    """That of a camera of many pixels: sharp to the pixel, and well exposed."""
    return replace(
        random_sensor(rng),
        blur=float(rng.uniform(0.25, 0.40)),
        contrast=float(rng.uniform(0.85, 1.05)),
        saturation=float(rng.uniform(0.8, 1.02)),
        level=float(rng.uniform(112, 140)),
    )


def _clear(light: Light) -> Light:
    """A day on which one sees far."""
    return replace(light, haze_m=max(light.haze_m, 800.0))


def _still(rng: np.random.Generator, size: tuple[int, int]) -> Camera:
    return mast(rng).at(0.0, size=size)


def plaza_crowd(seed: int, *, unseen: bool = False) -> Shoot:
    """A static wide view of a crowded plaza, meant for 2160 x 3840. `unseen`: see `scenarios.Builder`."""
    plan, light = random_plaza(stream(seed, 0)), _clear(sunny(stream(seed, 1)))
    scenery, discs = scenery_of(plan, stream(seed, 5), unseen=unseen)
    scene = Scene(
        light=light,
        scenery=scenery,
        dome=dome(light, stream(seed, 6)),
        actors=crowd_of(plan, discs, stream(seed, 3), unseen=unseen),
        shaded=90.0,
    )
    return Shoot(
        scene=scene,
        path=mast(stream(seed, 4)),
        sensor=good_sensor(stream(seed, 7)),
        still=lambda rng, size, _: _still(rng, size),
    )
