"""Bicycles and motorcycles at rest, looking towards +x, wheels on z = 0."""

import numpy as np

from foveate.world.mesh import Colour, Floats, Mesh, ball, box, loft, merged, tube
from foveate.world.rig import Model, Part
from foveate.world.vehicles import DARK, PAINT, RED_LAMP, SILVER, WHITE_LAMP

BICYCLE_SADDLE, MOTORCYCLE_SADDLE = 0.98, 0.84
"""Height of a rider's hips, metres."""


def hoop(radius: float, thick: float, colour: Colour, *, x: float) -> Mesh:
    """An upright tyre of `radius` metres that stands on z = 0 at `x`."""
    around = np.linspace(0, 2 * np.pi, 21)[:, None]
    section = np.linspace(0, 2 * np.pi, 6, endpoint=False)[None]
    reach = radius - thick + thick * np.cos(section)
    ring = np.broadcast_arrays(reach * np.cos(around), -thick * np.sin(section), reach * np.sin(around))
    return loft(np.stack(ring, axis=-1), colour).moved(by=(x, 0, radius))


def spokes(radius: float, *, x: float, count: int) -> list[Mesh]:
    """`count` diameters of a wheel, see `hoop`."""
    angles = np.arange(count) * np.pi / count
    tips: list[Floats] = [0.92 * radius * np.array([np.cos(a), 0, np.sin(a)], np.float32) for a in angles]
    hub = np.array([x, 0, radius], np.float32)
    return [tube(hub - tip, hub + tip, 0.004, SILVER, segments=3) for tip in tips]


def _paint(rng: np.random.Generator) -> Colour:
    return PAINT[rng.integers(len(PAINT))]


def bicycle(rng: np.random.Generator) -> Model:
    """A diamond or step-through frame, sometimes with a basket."""
    colour, high = _paint(rng), 0.92 if rng.random() < 0.6 else 0.66
    wheels = [hoop(0.34, 0.022, DARK, x=x) for x in (-0.52, 0.52)]
    rods = [rod for x in (-0.52, 0.52) for rod in spokes(0.34, x=x, count=4)]
    crank, seat, head, rear, front = (
        (-0.06, 0, 0.30),
        (-0.20, 0, 0.80),
        (0.34, 0, 0.86),
        (-0.52, 0, 0.34),
        (0.52, 0, 0.34),
    )
    lines = [
        (crank, seat),
        (crank, (0.36, 0, 0.70)),
        ((-0.19, 0, 0.84 * high), (0.35, 0, 0.82)),
        (rear, crank),
        (rear, (-0.19, 0, 0.76)),
        (front, head),
    ]
    frame = [tube(a, b, 0.020, colour) for a, b in lines]
    bars = [
        tube(head, (0.34, 0, 1.02), 0.015, SILVER),
        tube((0.30, -0.28, 1.04), (0.30, 0.28, 1.04), 0.014, DARK),
    ]
    seat_top = [
        ball((0.14, 0.07, 0.035), DARK).moved(by=(-0.22, 0, 0.92)),
        tube(seat, (-0.22, 0, 0.91), 0.014, SILVER),
    ]
    extras = [
        box((0.02, 0.05, 0.04), RED_LAMP, centre=(-0.36, 0, 0.72)),
        tube((-0.06, -0.10, 0.22), (-0.06, 0.10, 0.38), 0.015, DARK),
    ]
    if rng.random() < 0.35:
        extras.append(box((0.26, 0.34, 0.22), (0.35, 0.28, 0.2), centre=(0.55, 0, 0.92)))
    mesh = merged([*wheels, *rods, *frame, *bars, *seat_top, *extras])
    return Model(category="bicycle", parts=(Part(mesh=mesh, bone=0),), bones=1)


def motorcycle(rng: np.random.Generator) -> Model:
    """A road bike or a scooter."""
    return _scooter(rng) if rng.random() < 0.45 else _road_bike(rng)


def _front(colour: Colour, *, x: float, radius: float) -> list[Mesh]:
    fork = [tube((x, side, radius), (x - 0.26, side, 1.0), 0.028, SILVER) for side in (-0.09, 0.09)]
    bar = tube((x - 0.30, -0.36, 1.06), (x - 0.30, 0.36, 1.06), 0.018, DARK)
    lamp = ball((0.08, 0.10, 0.10), WHITE_LAMP, gloss=0.5).moved(by=(x - 0.12, 0, 0.92))
    guard = ball((0.30, 0.08, 0.10), colour, gloss=0.4).moved(by=(x, 0, 2 * radius - 0.02))
    mirrors = [ball((0.02, 0.07, 0.045), DARK).moved(by=(x - 0.32, side, 1.22)) for side in (-0.3, 0.3)]
    return [*fork, bar, lamp, guard, *mirrors]


def _road_bike(rng: np.random.Generator) -> Model:
    colour = _paint(rng)
    solids = [hoop(0.32, 0.07, DARK, x=x) for x in (-0.68, 0.72)]
    solids += [tube((x, -0.05, 0.32), (x, 0.05, 0.32), 0.17, SILVER, segments=10) for x in (-0.68, 0.72)]
    solids += [
        ball((0.34, 0.16, 0.15), colour, gloss=0.5).moved(by=(0.15, 0, 0.86)),
        ball((0.28, 0.19, 0.20), (0.30, 0.30, 0.32)).moved(by=(0.05, 0, 0.45)),
        ball((0.42, 0.15, 0.07), DARK).moved(by=(-0.36, 0, 0.80)),
        ball((0.26, 0.12, 0.09), colour, gloss=0.4).moved(by=(-0.66, 0, 0.76)),
        tube((0.10, -0.20, 0.32), (-0.75, -0.20, 0.40), 0.055, SILVER),
        tube((-0.10, 0, 0.40), (-0.68, 0, 0.32), 0.05, DARK),
        box((0.03, 0.16, 0.07), RED_LAMP, centre=(-0.90, 0, 0.74)),
        box((0.02, 0.18, 0.14), (0.9, 0.9, 0.85), centre=(-0.96, 0, 0.58)),
        *_front(colour, x=0.72, radius=0.32),
    ]
    return Model(category="motorcycle", parts=(Part(mesh=merged(solids), bone=0),), bones=1)


def _scooter(rng: np.random.Generator) -> Model:
    colour = _paint(rng)
    solids = [hoop(0.24, 0.06, DARK, x=x) for x in (-0.60, 0.66)]
    solids += [
        ball((0.48, 0.20, 0.24), colour, gloss=0.5).moved(by=(-0.46, 0, 0.56)),
        ball((0.38, 0.15, 0.07), DARK).moved(by=(-0.34, 0, 0.79)),
        box((0.46, 0.34, 0.06), DARK, centre=(0.12, 0, 0.30)),
        ball((0.10, 0.22, 0.38), colour, gloss=0.5).moved(by=(0.40, 0, 0.62)),
        box((0.03, 0.14, 0.08), RED_LAMP, centre=(-0.93, 0, 0.62)),
        box((0.02, 0.18, 0.14), (0.9, 0.9, 0.85), centre=(-0.90, 0, 0.44)),
        *_front(colour, x=0.66, radius=0.24),
    ]
    if rng.random() < 0.4:
        solids.append(box((0.34, 0.36, 0.30), DARK, centre=(-0.82, 0, 0.98)))
    return Model(category="motorcycle", parts=(Part(mesh=merged(solids), bone=0),), bones=1)
