"""Vehicles that no training picture shows: other outlines, other loads, other paint.

As in `vehicles`, a vehicle stands on z = 0, looks towards +x and has its middle over the origin.
"""

from collections.abc import Callable, Mapping

import numpy as np

from foveate.world.mesh import Colour, Mesh, ball, box, loft, painted, rings_of, tube
from foveate.world.rig import Model
from foveate.world.vehicles import (
    DARK,
    GLASS,
    RED_LAMP,
    SILVER,
    WHITE_LAMP,
    Shape,
    Wheels,
    assembled,
    bodywork,
    wheel,
)

PAINT: tuple[Colour, ...] = (
    (0.88, 0.84, 0.72), (0.62, 0.74, 0.68), (0.70, 0.20, 0.36), (0.93, 0.62, 0.12), (0.36, 0.22, 0.46),
    (0.16, 0.40, 0.42), (0.56, 0.60, 0.32), (0.70, 0.82, 0.90), (0.22, 0.17, 0.14), (0.46, 0.09, 0.06),
)  # fmt: skip
SHAPES: dict[str, Shape] = {
    "micro": Shape(
        category="car", length=2.7, width=1.60, height=1.56, belt=0.98, nose=0.84, cabin=(0.01, 0.16, 0.60, 0.93),
        tail=0.98, wheel=0.29, axles=(0.16, 0.84), inset=0.76,
    ),
    "jeep": Shape(
        category="car", length=4.2, width=1.88, height=1.90, belt=1.18, nose=1.12, cabin=(0.004, 0.012, 0.60, 0.64),
        tail=1.18, wheel=0.41, axles=(0.19, 0.81), inset=0.97,
    ),
    "cab": Shape(
        category="car", length=4.7, width=1.82, height=1.80, belt=1.02, nose=0.92, cabin=(0.02, 0.16, 0.54, 0.66),
        tail=0.98, wheel=0.33, axles=(0.18, 0.80), inset=0.88,
    ),
    "roadster": Shape(
        category="car", length=4.1, width=1.86, height=1.16, belt=0.80, nose=0.60, cabin=(0.28, 0.36, 0.44, 0.60),
        tail=0.82, wheel=0.34, axles=(0.19, 0.78), inset=0.72,
    ),
    "beetle": Shape(
        category="car", length=4.1, width=1.56, height=1.50, belt=0.94, nose=0.62, cabin=(0.04, 0.30, 0.52, 0.62),
        tail=0.62, wheel=0.33, axles=(0.20, 0.80), inset=0.74,
    ),
    "pickup": Shape(
        category="truck", length=5.4, width=1.95, height=1.84, belt=1.12, nose=1.02, cabin=(0.36, 0.39, 0.60, 0.73),
        tail=1.10, wheel=0.40, axles=(0.18, 0.80), inset=0.84,
    ),
    "cabover": Shape(
        category="truck", length=1.9, width=2.20, height=2.45, belt=1.35, nose=1.30, cabin=(0.02, 0.04, 0.90, 0.99),
        tail=1.35, wheel=0.42, axles=(0.55,), inset=0.96,
    ),
    "minibus": Shape(
        category="bus", length=7.2, width=2.20, height=2.75, belt=1.30, nose=1.10, cabin=(0.004, 0.02, 0.86, 0.97),
        tail=1.3, wheel=0.40, axles=(0.22, 0.80), inset=0.90,
    ),
    "decker": Shape(
        category="bus", length=10.4, width=2.50, height=4.25, belt=3.00, nose=3.00, cabin=(0.002, 0.006, 0.985, 0.996),
        tail=3.0, wheel=0.48, axles=(0.25, 0.76), inset=0.97,
    ),
    "wagon": Shape(
        category="bus", length=8.6, width=2.45, height=3.20, belt=1.05, nose=1.00, cabin=(0.01, 0.05, 0.92, 0.99),
        tail=1.05, wheel=0.36, axles=(0.22, 0.78), inset=0.90,
    ),
}  # fmt: skip
"""Outlines by name; none of them is in `vehicles.SHAPES`."""


def _paint(rng: np.random.Generator) -> Colour:
    paint = np.clip(np.array(PAINT[rng.integers(len(PAINT))]) + rng.normal(0, 0.02, 3), 0.04, 0.95)
    return (float(paint[0]), float(paint[1]), float(paint[2]))


def _plain(shape: Shape, paint: Colour, extras: list[Mesh], rng: np.random.Generator) -> Model:
    body, wheels = bodywork(shape, paint, rng)
    return assembled(shape.category, [*body, *extras], wheels, ends=(0.0, shape.length))


def _roof(shape: Shape, colour: Colour) -> Mesh:
    low, high = shape.cabin[1] * shape.length, shape.cabin[2] * shape.length
    size = (high - low, 0.86 * shape.inset * shape.width, 0.03)
    return box(size, colour, centre=((low + high) / 2, 0, shape.height + 0.01), gloss=0.4)


def _micro(rng: np.random.Generator) -> Model:
    """Two seats, a dark cell and a roof of its own."""
    shape, paint = SHAPES["micro"], _paint(rng)
    band = [box((1.5, 0.02, 0.30), DARK, centre=(1.3, side * shape.width / 2, 0.45)) for side in (-1, 1)]
    extras = [_roof(shape, DARK), *band]
    return _plain(shape, paint, extras, rng)


def _jeep(rng: np.random.Generator) -> Model:
    """Square, with flared arches, a rack and the spare wheel behind."""
    spare = wheel(0.38, rng).moved(yaw=np.pi / 2, by=(-0.12, 0.2, 1.05))
    shape, paint = SHAPES["jeep"], _paint(rng)
    rack = [box((2.0, 0.05, 0.06), DARK, centre=(1.3, y, shape.height + 0.1)) for y in np.linspace(-0.75, 0.75, 5)]
    flares = [
        box((1.05, 0.12, 0.10), DARK, centre=(axle * shape.length, side * shape.width / 2, 0.90))
        for axle in shape.axles
        for side in (-1, 1)
    ]
    door = box((0.04, 1.6, 0.72), paint, centre=(-0.01, 0, 0.78), gloss=0.4)
    extras = [spare, door, *rack, *flares, box((0.3, 1.9, 0.16), DARK, centre=(shape.length + 0.05, 0, 0.62))]
    return _plain(shape, paint, extras, rng)


def _cab(rng: np.random.Generator) -> Model:
    """A tall taxi in two colours with a lamp on its roof."""
    shape, paint, second = SHAPES["cab"], _paint(rng), _paint(rng)
    sides = [box((3.1, 0.02, 0.34), second, centre=(2.2, side * 0.995 * shape.width / 2, 0.72)) for side in (-1, 1)]
    lamp = box((0.2, 0.7, 0.2), (0.95, 0.75, 0.15), centre=(1.9, 0, shape.height + 0.1))
    extras = [*sides, lamp, _roof(shape, second)]
    return _plain(shape, paint, extras, rng)


def _roadster(rng: np.random.Generator) -> Model:
    """Low and open, with a wing."""
    shape, paint = SHAPES["roadster"], _paint(rng)
    posts = [box((0.08, 0.05, 0.24), DARK, centre=(0.25, side * 0.6, 0.95)) for side in (-1, 1)]
    stripes = [box((1.3, 0.22, 0.02), (0.92, 0.92, 0.9), centre=(3.2, side * 0.2, 0.735)) for side in (-1, 1)]
    extras = [*posts, box((0.32, 1.7, 0.05), paint, centre=(0.22, 0, 1.08)), *stripes]
    return _plain(shape, paint, extras, rng)


def _beetle(rng: np.random.Generator) -> Model:
    """Round, with wings that stand off, round lamps and running boards."""
    shape, paint = SHAPES["beetle"], _paint(rng)
    wings = [
        ball((0.62, 0.26, 0.42), paint, segments=12, rings=8, gloss=0.45).moved(
            by=(axle * shape.length, side * 0.74, 0.44)
        )
        for axle in shape.axles
        for side in (-1, 1)
    ]
    back = ball((0.95, 0.70, 0.52), paint, segments=14, rings=8, gloss=0.45).moved(by=(0.82, 0, 0.74))
    bonnet = ball((0.95, 0.62, 0.42), paint, segments=14, rings=8, gloss=0.45).moved(by=(3.15, 0, 0.66))
    lamps = [ball((0.10, 0.15, 0.15), WHITE_LAMP, gloss=0.6).moved(by=(3.84, side * 0.72, 0.68)) for side in (-1, 1)]
    boards = [box((1.6, 0.16, 0.05), DARK, centre=(2.05, side * 0.84, 0.30)) for side in (-1, 1)]
    bumpers = [box((0.06, 1.5, 0.09), SILVER, centre=(x, 0, 0.44), gloss=0.6) for x in (-0.08, 4.22)]
    extras = [*wings, back, bonnet, *lamps, *boards, *bumpers]
    return _plain(shape, paint, extras, rng)


def _pickup(rng: np.random.Generator) -> Model:
    """A cab before an open bed, often loaded."""
    load = _cargo(rng) if rng.random() < 0.6 else []
    shape, paint = SHAPES["pickup"], _paint(rng)
    floor = box((1.75, 1.5, 0.02), DARK, centre=(1.0, 0, 1.11))
    walls = [box((1.85, 0.08, 0.16), paint, centre=(1.0, side * 0.86, 1.16), gloss=0.4) for side in (-1, 1)]
    bar = [tube((1.92, side * 0.75, 1.1), (1.92, side * 0.7, 1.80), 0.04, SILVER) for side in (-1, 1)]
    extras = [floor, *walls, box((0.08, 1.75, 0.16), paint, centre=(0.1, 0, 1.16)), *bar, *load]
    return _plain(shape, paint, extras, rng)


def _cargo(rng: np.random.Generator) -> list[Mesh]:
    return [
        box(rng.uniform(0.3, 0.75, 3), rng.uniform(0.2, 0.75, 3), centre=(x, float(rng.uniform(-0.4, 0.4)), 1.35))
        for x in (0.5, 1.0, 1.5)
    ]


def _hauler(rng: np.random.Generator, load: Callable[[float, Colour, np.random.Generator], list[Mesh]]) -> Model:
    """A low cab with `load` behind it, on twin axles."""
    shape, paint, long = SHAPES["cabover"], _paint(rng), float(rng.uniform(3.8, 6.5))
    body, wheels = bodywork(shape, paint, rng)
    spare = wheel(shape.wheel, rng)
    extra: Wheels = [
        (np.array([share * long, side * (shape.width / 2 - 0.12), shape.wheel], np.float32), spare)
        for share in (-0.62, -0.80)
        for side in (-1, 1)
    ]
    frame = box((long, 0.9, 0.25), DARK, centre=(-long / 2, 0, 0.72))
    lamps = [box((0.05, 0.3, 0.15), RED_LAMP, centre=(-long - 0.08, side * 0.85, 0.75)) for side in (-1, 1)]
    solids = [*body, frame, *lamps, *load(long, paint, rng)]
    return assembled("truck", solids, [*wheels, *extra], ends=(-long, shape.length))


def _moving_van(long: float, paint: Colour, rng: np.random.Generator) -> list[Mesh]:
    """A body in the cab's colour that reaches over the cab, with a band of another."""
    high = float(rng.uniform(2.1, 2.6))
    hold = box((long, 2.3, high), paint, centre=(-long / 2, 0, 0.85 + high / 2), gloss=0.2)
    nose = loft(rings_of([(0, 0.45, 1.1), (1.5, 0.10, 0.9)], segments=10), paint).turned(
        np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]], np.float32), by=(0, 0, 0.5 + high)
    )
    band = box((long + 0.02, 2.33, 0.5), _paint(rng), centre=(-long / 2, 0, 1.25))
    return [
        hold,
        nose,
        band,
        box((0.02, 2.0, high - 0.3), (0.35, 0.35, 0.36), centre=(-long - 0.01, 0, 1.0 + high / 2)),
    ]


def _tank(long: float, paint: Colour, rng: np.random.Generator) -> list[Mesh]:
    """A bright round tank with rings of the cab's colour."""
    lying = np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]], np.float32)
    skin = np.array([0.78, 0.79, 0.80]) * rng.uniform(0.8, 1.1)
    shell = loft(
        rings_of([(0, 0.75, 0.8), (0.2, 0.95, 1.1), (long - 0.2, 0.95, 1.1), (long, 0.75, 0.8)], segments=14), skin
    )
    hoops = [
        loft(rings_of([(x, 0.98, 1.13), (x + 0.08, 0.98, 1.13)], segments=14), paint)
        for x in np.arange(0.8, long - 0.5, 1.2)
    ]
    ladder = [tube((-long + 0.3, side, 0.9), (-long + 0.3, side, 2.9), 0.03, SILVER) for side in (0.2, 0.6)]
    return [*(part.turned(lying, by=(-long, 0, 1.9)) for part in (shell, *hoops)), *ladder]


def _tipper(long: float, paint: Colour, rng: np.random.Generator) -> list[Mesh]:
    """A hopper with sloping ribbed walls, heaped."""
    earth = np.array([0.46, 0.38, 0.28]) * rng.uniform(0.7, 1.3)
    profile = [(0.85, 0.38 * long, 0.75), (1.9, 0.5 * long, 1.2), (1.95, 0.5 * long, 1.2)]
    hopper = loft(rings_of(profile, segments=8), paint)
    heap = ball((0.44 * long, 0.95, 0.55), earth, segments=12, rings=6)
    rough = (heap.points + rng.normal(0, 0.06, heap.points.shape)).astype(np.float32)
    pile = painted(rough, heap.normals, heap.triangles, heap.colours).moved(by=(0, 0, 1.9))
    return [part.moved(by=(-long / 2, 0, 0)) for part in (hopper, pile)]


def _band(shape: Shape, z: float, high: float, colour: Colour, gloss: float = 0.85) -> list[Mesh]:
    """A strip along both sides of a bus."""
    return [
        box(
            (0.94 * shape.length, 0.014, high),
            colour,
            centre=(shape.length / 2, side * shape.width / 2, z),
            gloss=gloss,
        )
        for side in (-1, 1)
    ]


def _minibus(rng: np.random.Generator) -> Model:
    """Short, with a bonnet and dark windows."""
    shape, second = SHAPES["minibus"], _paint(rng)
    return _plain(shape, _paint(rng), [*_band(shape, 0.85, 0.2, second, 0.3), _roof(shape, second)], rng)


def _decker(rng: np.random.Generator) -> Model:
    """Two rows of windows, one above the other."""
    shape, paint, second = SHAPES["decker"], _paint(rng), _paint(rng)
    front = box((0.03, 2.1, 0.95), GLASS, centre=(shape.length - 0.01, 0, 1.75), gloss=0.85)
    sign = box((0.04, 1.5, 0.3), (0.95, 0.85, 0.3), centre=(shape.length, 0, 2.5))
    back = box((0.05, 2.1, 2.2), paint, centre=(-0.01, 0, 1.75), gloss=0.4)
    extras = [*_band(shape, 1.75, 0.8, GLASS), *_band(shape, 2.6, 0.25, second, 0.3), front, sign, back]
    return _plain(shape, paint, extras, rng)


def _tram(rng: np.random.Generator) -> Model:
    """Two low glass wagons joined by a bellows, with rounded ends and a skirt over the wheels."""
    shape, paint, second = SHAPES["wagon"], _paint(rng), _paint(rng)
    front, wheels = bodywork(shape, paint, rng)
    rear, more = bodywork(shape, paint, rng)
    turn = -1.0 * (shape.length + 1.0)
    bellows = [
        box((0.12, 2.2, 2.5), DARK if k % 2 else (0.2, 0.2, 0.2), centre=(-1.06 + 0.14 * k, 0, 1.75)) for k in range(9)
    ]
    half = [*_band(shape, 0.50, 0.5, second, 0.3), *_band(shape, 2.95, 0.16, second, 0.3)]
    body = [*front, *bellows, *half]
    body += [mesh.moved(yaw=np.pi, by=(-1.0, 0, 0)) for mesh in (*rear, *half)]
    hind = [(at * np.array([-1, -1, 1], np.float32) + np.array([-1.0, 0, 0], np.float32), mesh) for at, mesh in more]
    return assembled("bus", body, [*wheels, *hind], ends=(turn, shape.length))


CARS: Mapping[str, Callable[[np.random.Generator], Model]] = {
    "micro": _micro, "jeep": _jeep, "cab": _cab, "roadster": _roadster, "beetle": _beetle, "pickup": _pickup,
}  # fmt: skip
"""What stands in the parking strips and drives, by name."""
LARGE: Mapping[str, Callable[[np.random.Generator], Model]] = {
    "moving van": lambda rng: _hauler(rng, _moving_van),
    "tanker": lambda rng: _hauler(rng, _tank),
    "tipper": lambda rng: _hauler(rng, _tipper),
    "minibus": _minibus,
    "decker": _decker,
    "tram": _tram,
}
"""Buses and trucks, by name."""
