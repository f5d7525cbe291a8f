"""Cars, vans, buses and trucks at rest: lofted bodies with glass, wheels, lamps and number plates.

A vehicle stands on z = 0 and looks towards +x. Bone 0 is the body; bones 1 to 4 are its wheels.
"""

from dataclasses import dataclass

import numpy as np

from foveate.world.mesh import Colour, Floats, Mesh, ball, box, disc, loft, merged, panels, quad, rings_of
from foveate.world.rig import Model, Part

PAINT = (
    (0.90, 0.90, 0.90), (0.75, 0.76, 0.78), (0.55, 0.57, 0.60), (0.35, 0.36, 0.38), (0.12, 0.12, 0.13),
    (0.07, 0.07, 0.08), (0.62, 0.10, 0.10), (0.14, 0.22, 0.45), (0.25, 0.42, 0.66), (0.20, 0.33, 0.25),
    (0.80, 0.70, 0.30), (0.45, 0.35, 0.28), (0.80, 0.40, 0.15), (0.30, 0.12, 0.18), (0.78, 0.74, 0.66),
    (0.30, 0.52, 0.55),
)  # fmt: skip
GLASS: Colour = (0.13, 0.15, 0.17)
DARK: Colour = (0.09, 0.09, 0.10)
SILVER: Colour = (0.62, 0.63, 0.65)
RED_LAMP: Colour = (0.75, 0.08, 0.06)
WHITE_LAMP: Colour = (0.93, 0.93, 0.90)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Outline of a vehicle, metres; abscissae are shares of its length from the rear (0) to the front (1)."""

    category: str
    length: float
    width: float
    height: float
    belt: float
    """Height of the lower edge of the windows."""
    nose: float
    """Height of the bonnet at its front edge."""
    cabin: tuple[float, float, float, float]
    """Rear foot of the cabin, rear and front end of the roof, front foot of the windscreen."""
    tail: float
    """Height of the rear deck."""
    wheel: float
    """Radius of a wheel."""
    axles: tuple[float, ...]
    """Where the axles are, shares of the length."""
    glass_sides: tuple[float, float] = (0.0, 1.0)
    """Between which shares of the cabin the sides are glass; the rest is metal."""
    inset: float = 0.80
    """Width of the roof against the width at the belt."""


SHAPES: dict[str, Shape] = {
    "sedan": Shape(
        category="car", length=4.6, width=1.80, height=1.45, belt=0.92, nose=0.72, cabin=(0.10, 0.28, 0.52, 0.71),
        tail=0.94, wheel=0.32, axles=(0.19, 0.80),
    ),
    "hatch": Shape(
        category="car", length=4.0, width=1.74, height=1.48, belt=0.92, nose=0.74, cabin=(0.01, 0.14, 0.52, 0.74),
        tail=0.90, wheel=0.31, axles=(0.17, 0.81),
    ),
    "estate": Shape(
        category="car", length=4.7, width=1.81, height=1.48, belt=0.93, nose=0.74, cabin=(0.01, 0.10, 0.54, 0.72),
        tail=0.92, wheel=0.33, axles=(0.19, 0.80),
    ),
    "suv": Shape(
        category="car", length=4.6, width=1.90, height=1.72, belt=1.08, nose=0.95, cabin=(0.01, 0.11, 0.56, 0.72),
        tail=1.06, wheel=0.37, axles=(0.19, 0.80),
    ),
    "city": Shape(
        category="car", length=3.5, width=1.64, height=1.52, belt=0.92, nose=0.80, cabin=(0.01, 0.10, 0.58, 0.80),
        tail=0.90, wheel=0.29, axles=(0.16, 0.83),
    ),
    "coupe": Shape(
        category="car", length=4.4, width=1.84, height=1.32, belt=0.88, nose=0.66, cabin=(0.08, 0.33, 0.48, 0.68),
        tail=0.90, wheel=0.33, axles=(0.18, 0.80),
    ),
    "minivan": Shape(
        category="car", length=4.7, width=1.86, height=1.78, belt=1.02, nose=0.90, cabin=(0.01, 0.07, 0.60, 0.84),
        tail=1.0, wheel=0.33, axles=(0.18, 0.81), inset=0.85,
    ),
    "van": Shape(
        category="car", length=5.3, width=1.98, height=2.15, belt=1.15, nose=1.02, cabin=(0.005, 0.03, 0.70, 0.86),
        tail=1.1, wheel=0.34, axles=(0.17, 0.82), glass_sides=(0.72, 1.0), inset=0.88,
    ),
    "truck": Shape(
        category="truck", length=2.2, width=2.30, height=2.65, belt=1.45, nose=1.40, cabin=(0.02, 0.06, 0.75, 0.95),
        tail=1.45, wheel=0.46, axles=(0.62,), inset=0.92,
    ),
    "bus": Shape(
        category="bus", length=11.5, width=2.50, height=3.05, belt=1.25, nose=1.25, cabin=(0.002, 0.008, 0.985, 0.997),
        tail=1.25, wheel=0.48, axles=(0.25, 0.78), inset=0.95,
    ),
}  # fmt: skip
"""Outlines by name; `truck` is the cab, its load is added behind."""


Wheels = list[tuple[Floats, Mesh]]
"""Wheels and where their hubs are, metres."""


def _ring(x: float, half: float, low: float, high: float) -> list[tuple[float, float, float]]:
    """A rounded section across the vehicle, counter-clockwise as seen from the front."""
    side = [(0.86, 0.0), (0.97, 0.12), (1.0, 0.45), (0.985, 0.78), (0.95, 0.95), (0.82, 1.0)]
    right = [(x, share * half, low + up * (high - low)) for share, up in side]
    return right + [(x, -y, z) for _, y, z in reversed(right)]


def _body(shape: Shape, paint: Colour) -> Mesh:
    rear, _, _, front = shape.cabin
    deck = [
        (0.0, 0.80),
        (0.02, 0.95),
        (rear + 0.02, 1.0),
        (0.5 * (rear + front), shape.belt / shape.tail),
        (front, shape.belt / shape.tail),
    ]
    low = 0.20 if shape.category == "car" else 0.38
    rings = [
        _ring(0.0, 0.80 * shape.width / 2, low + 0.12, 0.8 * shape.tail),
        *(
            _ring(share * shape.length, shape.width / 2 * (0.9 if share < 0.01 else 1), low, up * shape.tail)
            for share, up in deck
        ),
    ]
    slope = shape.nose + 0.75 * (shape.belt - shape.nose)
    for share, half, top in (
        (0.5 * (front + 1), 0.99, slope),
        (0.965, 0.95, shape.nose + 0.02),
        (0.99, 0.88, shape.nose - 0.06),
    ):
        rings.append(_ring(share * shape.length, half * shape.width / 2, low, top))
    rings.append(_ring(shape.length, 0.78 * shape.width / 2, low + 0.1, shape.nose - 0.18))
    rings = [_shut(rings[0]), *rings, _shut(rings[-1])]
    grid = np.array(rings, np.float32)
    colours = np.broadcast_to(np.asarray(paint, np.float32), (len(grid) - 1, grid.shape[1], 3)).copy()
    colours[:, [0, 10]] = np.asarray(paint) * 0.35
    colours[:, 11] = DARK
    return panels(grid, colours, np.full(colours.shape[:2], 0.45, np.float32))


def _shut(ring: list[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    centre = np.mean(ring, axis=0)
    return [(float(p[0]), float(p[1]), float(p[2])) for p in centre + 1e-3 * (np.array(ring) - centre)]


def _cabin(shape: Shape, paint: Colour) -> Mesh:
    feet = np.array(shape.cabin) * shape.length
    stations, roofs = _pillars(shape)
    rings = []
    for x, roof in zip(stations, roofs, strict=True):
        wide, narrow = 0.475 * shape.width, 0.475 * shape.width * (1 - (1 - shape.inset) * roof)
        high = shape.belt - 0.06 + roof * (shape.height - shape.belt + 0.06)
        side = [
            (wide, shape.belt - 0.06),
            (0.35 * wide + 0.65 * narrow, shape.belt + 0.72 * (high - shape.belt)),
            (narrow, high - 0.05 * roof),
            (0.75 * narrow, high),
        ]
        rings.append([(x, y, z) for y, z in side] + [(x, -y, z) for y, z in reversed(side)])
    grid = np.array(rings, np.float32)
    colours, gloss = _glazing(shape, paint, grid, feet)
    return panels(grid, colours, gloss)


def _pillars(shape: Shape) -> tuple[list[float], list[float]]:
    """Abscissae in metres of the cabin's sections, and the share of the full roof height at each."""
    rear, back, front, foot = (share * shape.length for share in shape.cabin)
    step = 1.5 if shape.category == "bus" else 1.1
    bays = max(1, round((front - back) / step))
    stations, roofs = [rear], [0.0]
    for bay in range(bays + 1):
        x = back + (front - back) * bay / bays
        pillar = 0.05 if 0 < bay < bays else 0.03
        stations += [x - pillar, x + pillar]
        roofs += [1.0, 1.0]
    return [*stations, foot], [*roofs, 0.0]


def _glazing(shape: Shape, paint: Colour, grid: Floats, feet: Floats) -> tuple[Floats, Floats]:
    spans = len(grid) - 1
    colours = np.broadcast_to(np.asarray(paint, np.float32), (spans, 8, 3)).copy()
    middle = (grid[:-1, 0, 0] + grid[1:, 0, 0]) / 2
    wide = np.diff(grid[:, 0, 0]) > 0.12
    share = (middle - feet[0]) / max(feet[3] - feet[0], 1e-6)
    glazed = wide & (share >= shape.glass_sides[0]) & (share <= shape.glass_sides[1])
    for side in (0, 1, 5, 6):
        colours[glazed, side] = GLASS
    # The slopes at both ends are the rear window and the windscreen: glass all across.
    colours[-1, 2:5] = GLASS
    if shape.glass_sides[0] < 0.5:
        colours[0, 2:5] = GLASS
    dark = np.all(np.isclose(colours, GLASS, atol=1e-3), axis=-1)
    return colours, np.where(dark, 0.85, 0.45).astype(np.float32)


def wheel(radius: float, rng: np.random.Generator) -> Mesh:
    """A wheel of `radius` metres about the origin, its axle along y."""
    tyre = loft(rings_of([(-0.10, radius, radius), (0.10, radius, radius)], segments=16), DARK)
    upright = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], np.float32)
    rim = np.asarray(SILVER) * rng.uniform(0.5, 1.1)
    faces = [disc(0.66 * radius, rim, gloss=0.3).moved(by=(0, side, 0)) for side in (-0.112, 0.112)]
    spokes = [
        box((1.1 * radius, 0.004, 0.07), DARK, centre=(0, side, 0)).turned(_spin(k * np.pi / 3))
        for side in (-0.116, 0.116)
        for k in range(3)
    ]
    return merged([tyre.turned(upright), *faces, *spokes])


def _spin(angle: float) -> Floats:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32)


def _fittings(shape: Shape, rng: np.random.Generator) -> list[Mesh]:
    long, half, nose = shape.length, shape.width / 2, shape.nose
    lamps = [
        box((0.14, 0.34, 0.13), WHITE_LAMP, centre=(0.975 * long, side * 0.66 * half, nose - 0.13), gloss=0.6)
        for side in (-1, 1)
    ] + [
        box(
            (0.10, 0.16 if shape.height > 1.6 else 0.30, 0.26 if shape.height > 1.6 else 0.14),
            RED_LAMP,
            centre=(0.012 * long, side * 0.76 * half, 0.86 * shape.tail),
        )
        for side in (-1, 1)
    ]
    grille = box((0.05, 0.9 * half, 0.14), DARK, centre=(long - 0.03, 0, nose - 0.26))
    bumper = box((0.05, 1.4 * half, 0.10), DARK, centre=(long - 0.03, 0, 0.38))
    plates = [
        box((0.03, 0.5, 0.11), (0.92, 0.92, 0.86), centre=(x, 0, z))
        for x, z in ((long + 0.005, 0.42), (-0.005, 0.62 * shape.tail))
    ]
    mirrors = [
        ball((0.07, 0.10, 0.08), DARK).moved(by=(shape.cabin[3] * long - 0.35, side * (half + 0.06), shape.belt + 0.06))
        for side in (-1, 1)
    ]
    sill = [box((0.68 * long, 0.01, 0.05), DARK, centre=(0.5 * long, side * (half + 0.002), 0.30)) for side in (-1, 1)]
    doors = [
        box(
            (0.015, 0.008, shape.belt - 0.42),
            DARK,
            centre=(x * long, side * (0.998 * half), 0.5 * (shape.belt + 0.38)),
        )
        for x in np.linspace(shape.cabin[1] + 0.06, shape.cabin[3] - 0.06, 3)
        for side in (-1, 1)
    ]
    handles = [
        box((0.16, 0.02, 0.03), SILVER, centre=(x * long, side * half, shape.belt - 0.12))
        for x in (0.36, 0.56)
        for side in (-1, 1)
    ]
    rails = [
        box((0.3 * long, 0.04, 0.05), SILVER, centre=(0.36 * long, side * 0.7 * half, shape.height)) for side in (-1, 1)
    ]
    return [
        *lamps,
        grille,
        bumper,
        *plates,
        *mirrors,
        *sill,
        *doors,
        *handles,
        *(rails if rng.random() < 0.25 else []),
    ]


def _arches(shape: Shape) -> list[Mesh]:
    return [
        disc(1.17 * shape.wheel, DARK).moved(
            by=(axle * shape.length, side * (shape.width / 2 + 0.004), 1.17 * shape.wheel + 0.02)
        )
        for axle in shape.axles
        for side in (-1, 1)
    ]


def _wheels(shape: Shape, rng: np.random.Generator) -> Wheels:
    made = wheel(shape.wheel, rng)
    return [
        (np.array([axle * shape.length, side * (shape.width / 2 - 0.09), shape.wheel], np.float32), made)
        for axle in shape.axles
        for side in (-1, 1)
    ]


def random_paint(rng: np.random.Generator) -> Colour:
    """A paint of `PAINT`, a little off."""
    paint = np.clip(np.array(PAINT[rng.integers(len(PAINT))]) + rng.normal(0, 0.03, 3), 0.04, 0.95)
    return (float(paint[0]), float(paint[1]), float(paint[2]))


def bodywork(shape: Shape, paint: Colour, rng: np.random.Generator) -> tuple[list[Mesh], Wheels]:
    """Body, glass, lamps and fittings of `shape`, its rear end at the origin, and its wheels."""
    body = [_body(shape, paint), _cabin(shape, paint), *_fittings(shape, rng), *_arches(shape)]
    return body, _wheels(shape, rng)


def assembled(category: str, body: list[Mesh], wheels: Wheels, *, ends: tuple[float, float]) -> Model:
    """The model of what reaches from `ends[0]` to `ends[1]` along x, put with its middle over the origin."""
    shift = np.array([-sum(ends) / 2, 0, 0])
    parts = [Part(mesh=merged([part.moved(by=shift) for part in body]), bone=0)]
    parts += [Part(mesh=mesh.moved(by=at + shift), bone=0) for at, mesh in wheels]
    return Model(category=category, parts=tuple(parts), bones=1)


def vehicle(kind: str, rng: np.random.Generator) -> Model:
    """A vehicle of `SHAPES[kind]` in random paint, its centre above the origin."""
    shape = SHAPES[kind]
    body, wheels = bodywork(shape, random_paint(rng), rng)
    rear = 0.0
    if kind == "truck":
        load, extra, rear = _load(shape, rng)
        body += load
        wheels += extra
    if kind == "bus":
        body.append(_route(shape, rng))
    elif rng.random() < 0.04 and shape.category == "car":
        body.append(box((0.15, 0.55, 0.16), (0.9, 0.75, 0.2), centre=(0.42 * shape.length, 0, shape.height + 0.06)))
    return assembled(shape.category, body, wheels, ends=(rear, shape.length))


def _load(shape: Shape, rng: np.random.Generator) -> tuple[list[Mesh], Wheels, float]:
    """A box body or a flat bed behind the cab, its wheels, and where it ends."""
    long = float(rng.uniform(3.5, 6.0))
    colour = np.clip(np.array([0.85, 0.85, 0.83]) - rng.uniform(0, 0.5, 3) * (rng.random() < 0.5), 0, 1)
    tall = float(rng.uniform(2.0, 2.5)) if rng.random() < 0.75 else 0.5
    hold = box((long, shape.width, tall), colour, centre=(-long / 2 - 0.05, 0, 0.95 + tall / 2))
    frame = box((long, 0.9, 0.25), DARK, centre=(-long / 2, 0, 0.75))
    stripe = box(
        (0.7 * long, shape.width + 0.02, 0.35),
        rng.uniform(0.1, 0.8, 3),
        centre=(-long / 2, 0, 0.95 + 0.55 * tall),
    )
    lamps = [box((0.05, 0.25, 0.15), RED_LAMP, centre=(-long - 0.08, side * 0.9, 0.8)) for side in (-1, 1)]
    made = wheel(shape.wheel, rng)
    wheels = [
        (np.array([-0.72 * long, side * (shape.width / 2 - 0.12), shape.wheel], np.float32), made) for side in (-1, 1)
    ]
    return [hold, frame, stripe, *lamps], wheels, -long


def _route(shape: Shape, rng: np.random.Generator) -> Mesh:
    low, high, half = shape.height - 0.42, shape.height - 0.12, 0.7
    x = shape.length * 0.992 + 0.03
    sign = quad([(x, -half, low), (x, half, low), (x, half, high), (x, -half, high)], (0.95, 0.65, 0.1))
    band = rng.uniform(0.1, 0.85, 3)
    sides = [
        box(
            (0.94 * shape.length, 0.012, 0.28),
            band,
            centre=(shape.length / 2, side * (shape.width / 2 + 0.003), 0.75),
        )
        for side in (-1, 1)
    ]
    return merged([sign, *sides])
