"""The indoor hall: an arcade of shops under lamps, on a polished floor, with people only."""

from dataclasses import dataclass

import numpy as np

from foveate.world import crowd, furniture, interiors, unseen_textures
from foveate.world.camera import Camera, Walk
from foveate.world.light import Light
from foveate.world.mesh import Mesh, box, loft, merged, rings_of, tube
from foveate.world.motion import Actor
from foveate.world.scene import Scene
from foveate.world.sensor import random_sensor
from foveate.world.shoot import Shoot, stream
from foveate.world.street import Scenery, stretches
from foveate.world.surfaces import Surface, by_texture, flat, sheet, wall
from foveate.world.textures import Picture
from foveate.world.traffic import Cast

_SHOP = (7.5, 4.5)
"""Width and height of a shop front, metres."""
_LENGTH = 30 * _SHOP[0]
_LANE = 0.75
"""Half width of the lane in which nobody is but the camera, metres."""
_SHORT = 28.0
"""How far before the ends of the hall the camera turns round, metres."""


@dataclass(frozen=True, kw_only=True)
class HallPlan:
    """Measures of a hall along x, metres, and how full it is."""

    half: float
    """Half its width."""
    height: float
    """Of the ceiling."""
    walkers: int
    """People, groups counted by head."""
    standing: int
    """Knots of people and lone ones."""
    island: float
    """Distance of the rows of benches, plants and kiosks from the middle."""
    pillar: float
    """Distance of the pillars from the middle."""

    @property
    def lanes(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Ranges of the distance from the middle in which people walk."""
        return (_LANE + 0.2, self.island - 1.3), (self.island + 1.3, self.pillar - 0.9)


def random_hall(rng: np.random.Generator) -> HallPlan:
    """From a quiet arcade to a full concourse."""
    half = float(rng.uniform(8.5, 11.5))
    return HallPlan(
        half=half,
        height=float(rng.uniform(6.0, 8.0)),
        walkers=int(rng.integers(110, 240)),
        standing=int(rng.integers(14, 34)),
        island=0.40 * half + 0.4,
        pillar=0.80 * half,
    )


def lamps(rng: np.random.Generator) -> Light:
    """Lamps overhead: weak shadows, light from everywhere, warm or cold."""
    warm, level = float(rng.uniform(-0.05, 0.10)), float(rng.uniform(0.85, 1.1))
    tint = np.array([1 + warm, 1.0, 1 - warm]) * level
    return Light(
        sun=(float(rng.uniform(-0.2, 0.2)), float(rng.uniform(-0.2, 0.2)), 0.96),
        sun_colour=_colour(0.34 * tint),
        sky_colour=_colour(0.62 * tint),
        ground_colour=_colour(0.46 * tint),
        haze_m=4000.0,
        haze_colour=(0.8, 0.8, 0.8),
        zenith_colour=(0.3, 0.3, 0.3),
        clouds=0.0,
    )


def _colour(values: np.ndarray) -> tuple[float, float, float]:
    return (float(values[0]), float(values[1]), float(values[2]))


def _shells(plan: HallPlan, rng: np.random.Generator, *, unseen: bool) -> list[Surface]:
    """Floor, ceiling, walls with shops, and the ends."""
    x, y, shop = (-_LENGTH / 2, _LENGTH / 2), (-plan.half, plan.half), _SHOP
    tone = rng.uniform(0.55, 0.9) + rng.normal(0, 0.03, 3)
    shop_of, floor = (
        (unseen_textures.lit_shop, unseen_textures.floor) if unseen else (interiors.lit_shop, interiors.tiles)
    )
    shops = [shop_of(rng, wall=_colour(tone)) for _ in range(9)]
    above, end = interiors.upper_wall(rng, wall=_colour(tone)), interiors.portal(rng)
    surfaces = [flat(x, y, 0.0, floor(rng), 4.0), _lid(x, y, plan.height, interiors.ceiling(rng))]
    for side in (-1, 1):
        start, stop = ((-side * x[1], -side * plan.half), (side * x[1], -side * plan.half))
        surfaces.append(_shine(start, stop, (shop[1], plan.height), above, repeats=(_LENGTH / 6, 1), glow=1.15))
        for k in range(round(_LENGTH / shop[0])):
            ends = [(-side * (x[0] + (k + j) * shop[0]), side * plan.half) for j in (0, 1)]
            surfaces.append(_shine(ends[1], ends[0], (0, shop[1]), shops[rng.integers(9)], glow=1.3))
        ends = [(side * x[1], side * v) for v in (plan.half, -plan.half)]
        surfaces.append(_shine(ends[0], ends[1], (0, plan.height), end, repeats=(2 * plan.half / 12, 1), glow=1.2))
    return surfaces


def _shine(
    a: tuple[float, float],
    b: tuple[float, float],
    z: tuple[float, float],
    texture: Picture,
    *,
    repeats: tuple[float, float] = (1, 1),
    glow: float,
) -> Surface:
    """An upright wall whose texture is brighter than the light that falls on it, as behind lit glass."""
    plain = wall(a, b, z=z, texture=texture, repeats=repeats)
    return sheet([*plain.mesh.points], texture, repeats, colour=glow)


def _lid(x: tuple[float, float], y: tuple[float, float], z: float, texture: Picture) -> Surface:
    """The ceiling. It hides nobody and must not shade what is under it: ground, that is."""
    corners = [(x[0], y[1], z), (x[1], y[1], z), (x[1], y[0], z), (x[0], y[0], z)]
    return sheet(corners, texture, ((x[1] - x[0]) / 6, (y[1] - y[0]) / 6), colour=1.4, ground=True)


def _pillar(plan: HallPlan, rng: np.random.Generator, *, round_: bool, tone: tuple[float, float, float]) -> Mesh:
    grey = np.asarray(tone) * rng.uniform(0.97, 1.03)
    foot = box((0.95, 0.95, 0.18), 0.5 * grey, centre=(0, 0, 0.09))
    if round_:
        profile = [(0, 0.36, 0.36), (0.35 * plan.height, 0.36, 0.36), (plan.height, 0.36, 0.36)]
        return merged([foot, loft(rings_of(profile, segments=18), grey, gloss=0.12)])
    return merged([foot, box((0.7, 0.7, plan.height), grey, centre=(0, 0, plan.height / 2), gloss=0.12)])


def _plant(rng: np.random.Generator) -> Mesh:
    pot = loft(rings_of([(0, 0.26, 0.26), (0.55, 0.36, 0.36), (0.6, 0.3, 0.3)], segments=12), rng.uniform(0.2, 0.7, 3))
    tree = furniture.tree(rng, height=float(rng.uniform(1.9, 3.0)))
    return merged([pot, tree.moved(by=(0, 0, 0.3), scale=(0.75, 0.75, 1))])


def _seat(rng: np.random.Generator) -> Mesh:
    """A bench of 2.4 m along x without a back."""
    wood = np.asarray(furniture.WOOD) * rng.uniform(0.8, 1.6)
    slats = [box((2.4, 0.14, 0.05), wood, centre=(0, y, crowd.SEAT - 0.02)) for y in (-0.24, -0.08, 0.08, 0.24)]
    legs = [box((0.08, 0.55, crowd.SEAT), furniture.IRON, centre=(x, 0, crowd.SEAT / 2 - 0.03)) for x in (-0.9, 0.9)]
    return merged([*slats, *legs])


def _kiosk(rng: np.random.Generator) -> Mesh:
    """A counter with goods under a canopy, 3 m long."""
    colour, top = rng.uniform(0.15, 0.85, 3), rng.uniform(0.2, 0.9, 3)
    posts = [tube((x, y, 0), (x, y, 2.5), 0.035, furniture.IRON) for x in (-1.4, 1.4) for y in (-0.75, 0.75)]
    counter = [
        box((3.0, 1.6, 1.0), colour, centre=(0, 0, 0.5)),
        box((3.1, 1.7, 0.05), (0.85, 0.83, 0.8), centre=(0, 0, 1.03), gloss=0.2),
    ]
    roof = box((3.3, 1.9, 0.35), top, centre=(0, 0, 2.6))
    band = box((3.34, 1.94, 0.16), np.clip(1.1 - top, 0.05, 1), centre=(0, 0, 2.6))
    goods = [
        box(rng.uniform(0.1, 0.34, 3), rng.uniform(0.1, 0.95, 3), centre=(x, y, 1.15))
        for x in np.arange(-1.3, 1.4, 0.38)
        for y in (-0.6, 0.55)
    ]
    return merged([*posts, *counter, roof, band, *goods])


def _signpost(rng: np.random.Generator) -> Mesh:
    """A board with a map, both sides coloured."""
    stripe = rng.uniform(0.2, 0.95, 3)
    board = [box((0.9, 0.14, 1.9), (0.22, 0.24, 0.26), centre=(0, 0, 0.95))]
    board += [
        box((0.78, 0.16, 1.0), stripe, centre=(0, 0, 1.3)),
        box((0.6, 0.17, 0.25), 1 - stripe, centre=(0, 0, 1.6)),
    ]
    return merged(board)


def _suitcase(rng: np.random.Generator) -> Mesh:
    return merged(
        [
            box((0.42, 0.26, 0.6), rng.uniform(0.08, 0.7, 3), centre=(0, 0, 0.36), gloss=0.15),
            tube((-0.12, 0, 0.62), (-0.12, 0, 1.0), 0.012, furniture.IRON),
            tube((0.12, 0, 0.62), (0.12, 0, 1.0), 0.012, furniture.IRON),
            box((0.28, 0.03, 0.03), furniture.IRON, centre=(0, 0, 1.0)),
        ]
    )


def _hanging(plan: HallPlan, rng: np.random.Generator) -> Mesh:
    """A board that hangs across the hall, with arrows of light."""
    low, colour = (
        plan.height - 2.2,
        np.array([[0.08, 0.16, 0.36], [0.1, 0.1, 0.12], [0.75, 0.62, 0.12]])[rng.integers(3)],
    )
    parts = [box((0.16, 4.6, 0.8), colour, centre=(0, 0, low))]
    parts += [tube((0, y, low + 0.4), (0, y, plan.height), 0.02, furniture.IRON) for y in (-2, 2)]
    for y in np.arange(-2.0, 2.1, 0.8):
        for side in (-0.09, 0.09):
            parts.append(
                box((0.01, float(rng.uniform(0.25, 0.6)), 0.16), (0.95, 0.95, 0.92), centre=(side, y, low + 0.1))
            )
            parts.append(
                box((0.01, float(rng.uniform(0.1, 0.4)), 0.10), (0.95, 0.95, 0.92), centre=(side, y, low - 0.18))
            )
    return merged(parts)


Seat = tuple[float, float, float]
"""Where somebody may sit: a place, metres, and a heading, radians."""


def _furnish(plan: HallPlan, rng: np.random.Generator) -> tuple[list[Mesh], list[Surface], list[Seat]]:
    """What stands in the hall, the posters among it, and the seats."""
    meshes, posters, seats = [], [], list[Seat]()
    round_, tone = bool(rng.random() < 0.5), _colour(rng.uniform(0.55, 0.88) * np.array([1.0, 0.98, 0.95]))
    sheets = [interiors.poster(rng) for _ in range(6)]
    for side in (-1, 1):
        for x in np.arange(-_LENGTH / 2 + 4, _LENGTH / 2, 9.0):
            at = (x, side * plan.pillar, 0)
            meshes.append(_pillar(plan, rng, round_=round_, tone=tone).moved(by=at))
            if not round_ and rng.random() < 0.6:
                posters += _posters(x, side * plan.pillar, sheets[rng.integers(6)])
        for x in np.arange(-_LENGTH / 2 + 8 + 3 * side, _LENGTH / 2 - 6, 8.0):
            meshes += _island(x + float(rng.uniform(-1, 1)), side * plan.island, rng, seats)
    meshes += [_hanging(plan, rng).moved(by=(x, 0, 0)) for x in np.arange(-_LENGTH / 2 + 20, _LENGTH / 2, 38.0)]
    return meshes, posters, seats


def _posters(x: float, y: float, texture: Picture) -> list[Surface]:
    """Lit posters on both long faces of a square pillar."""
    near = [((x + 0.36, y - 0.3), (x + 0.36, y + 0.3)), ((x - 0.36, y + 0.3), (x - 0.36, y - 0.3))]
    return [_shine(b, a, (1.0, 1.9), texture, glow=1.3) for a, b in near]


def _island(x: float, y: float, rng: np.random.Generator, seats: list[Seat]) -> list[Mesh]:
    """A bench between plants, a kiosk, a board with bins, or nothing."""
    kind = rng.random()
    if kind < 0.5:
        for offset in (-0.75, 0.0, 0.75):
            if rng.random() < 0.4:
                facing = float(rng.choice([-1, 1])) * np.pi / 2
                seats.append((x + offset, y + 0.1 * float(np.sin(facing)), facing))
        parts = [_seat(rng).moved(by=(x, y, 0)), *(_plant(rng).moved(by=(x + dx, y, 0)) for dx in (-2.0, 2.0))]
        if rng.random() < 0.5:
            parts.append(_suitcase(rng).moved(by=(x + 1.45, y + 0.1, 0), yaw=float(rng.uniform(0, 6))))
        return parts
    if kind < 0.72:
        return [_kiosk(rng).moved(by=(x, y, 0))]
    if kind < 0.9:
        return [_signpost(rng).moved(by=(x, y, 0), yaw=np.pi / 2), furniture.waste_bin(rng).moved(by=(x + 1.2, y, 0))]
    return []


def scenery_of(plan: HallPlan, rng: np.random.Generator, *, unseen: bool = False) -> tuple[Scenery, list[Seat]]:
    """Everything in the hall that never moves, and where people may sit."""
    meshes, posters, seats = _furnish(plan, rng)
    rims = [
        box((_LENGTH, 0.06, 0.16), (0.3, 0.29, 0.28), centre=(0, side * (plan.half - 0.03), 0.08)) for side in (-1, 1)
    ]
    scenery = Scenery(
        surfaces=tuple(by_texture([*_shells(plan, rng, unseen=unseen), *posters])),
        standing=stretches(meshes),
        lying=merged(rims),
    )
    return scenery, seats


def people(plan: HallPlan, seats: list[Seat], rng: np.random.Generator, *, unseen: bool = False) -> list[Actor]:
    """Walkers in both directions, shoppers before the windows, knots, and who sits."""
    cast, span = Cast(rng, people=min(64, 20 + plan.walkers // 3), vehicles=0, unseen=unseen), _LENGTH + 4.0
    actors: list[Actor] = []
    while len(actors) < plan.walkers:
        low, high = plan.lanes[int(rng.random() < 0.45)]
        y = float(rng.choice([-1, 1])) * float(rng.uniform(low, high))
        group = crowd.walking(cast, rng, middle=(0.0, y), heading=float(rng.choice([0.0, np.pi])), span=span)
        actors += [a for a in group if low - 0.3 < abs(a.at[1]) < high + 0.3]
    for _ in range(plan.standing):
        x, side = float(rng.uniform(-0.46, 0.46) * _LENGTH), float(rng.choice([-1, 1]))
        if rng.random() < 0.6:
            y, facing = side * (plan.half - float(rng.uniform(0.5, 1.2))), side * np.pi / 2 + float(rng.normal(0, 0.4))
            actors += [crowd.standing(cast, rng, (x + 0.7 * k, y), facing) for k in range(int(rng.integers(1, 3)))]
        else:
            actors += crowd.knot(cast, rng, (x, side * (plan.pillar + 0.1)), int(rng.integers(2, 5)))
    return [*actors, *(crowd.sitting(cast, rng, (x, y), heading) for x, y, heading in seats)]


def random_stroll(rng: np.random.Generator) -> Walk:
    """Up and down the middle of the hall, long before its ends."""
    direction = float(rng.choice([0.0, np.pi]))
    return Walk(
        start=(float(-np.cos(direction) * rng.uniform(30, 80)), 0.0, float(rng.uniform(1.5, 1.9))),
        heading=direction,
        speed=float(rng.uniform(0.9, 1.5)),
        gaze=float(rng.choice([-1, 1]) * rng.uniform(0.01, 0.14)),
        wander=float(rng.uniform(0.05, 0.16)),
        wander_period=float(rng.uniform(7, 14)),
        pitch=float(rng.uniform(-0.07, 0.0)),
        bob=float(rng.uniform(0.012, 0.03)),
        field_of_view=float(np.radians(rng.uniform(38, 52))),
        limit=_LENGTH / 2 - _SHORT,
    )


def _still(plan: HallPlan, rng: np.random.Generator, size: tuple[int, int]) -> Camera:
    """A camera in the free lane, or raised above the crowd."""
    high = rng.random() < 0.25
    return Camera(
        position=(
            float(rng.uniform(-0.4, 0.4) * _LENGTH),
            float(rng.uniform(-1, 1)),
            float(rng.uniform(3.0, plan.height - 2.9) if high else rng.uniform(1.4, 2.1)),
        ),
        yaw=float(rng.choice([0, np.pi]) + rng.normal(0, 0.35)),
        pitch=float(-rng.uniform(0.08, 0.25) if high else rng.normal(-0.03, 0.04)),
        roll=float(rng.normal(0, 0.02)),
        field_of_view=float(np.radians(rng.uniform(28, 56))),
        height=size[0],
        width=size[1],
    )


def walk_indoor(seed: int, *, unseen: bool = False) -> Shoot:
    """A walk through a hall of shops. `unseen`: see `scenarios.Builder`."""
    plan = random_hall(stream(seed, 0))
    scenery, seats = scenery_of(plan, stream(seed, 5), unseen=unseen)
    scene = Scene(
        light=lamps(stream(seed, 1)),
        scenery=scenery,
        dome=np.full((8, 8, 3), 20, np.uint8),
        polish=float(stream(seed, 2).uniform(0.35, 0.75)),
        actors=people(plan, seats, stream(seed, 3), unseen=unseen),
    )
    return Shoot(
        scene=scene,
        path=random_stroll(stream(seed, 4)),
        sensor=random_sensor(stream(seed, 7)),
        still=lambda rng, size, _: _still(plan, rng, size),
    )
