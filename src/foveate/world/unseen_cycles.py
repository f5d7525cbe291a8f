"""Two-wheelers that no training picture shows: cargo and folding bicycles, choppers, racers, three-wheelers."""

import numpy as np

from foveate.world.cycles import hoop, spokes
from foveate.world.mesh import Colour, Mesh, ball, box, loft, merged, rings_of, tube
from foveate.world.rig import Model, Part
from foveate.world.vehicles import DARK, RED_LAMP, SILVER, WHITE_LAMP

PAINT: tuple[Colour, ...] = (
    (0.93, 0.55, 0.70), (0.35, 0.80, 0.62), (0.95, 0.80, 0.25), (0.60, 0.40, 0.75), (0.92, 0.92, 0.84),
    (0.45, 0.28, 0.16),
)  # fmt: skip


def _paint(rng: np.random.Generator) -> Colour:
    return PAINT[rng.integers(len(PAINT))]


def _model(category: str, solids: list[Mesh]) -> Model:
    return Model(category=category, parts=(Part(mesh=merged(solids), bone=0),), bones=1)


def bicycle(rng: np.random.Generator) -> Model:
    """A cargo bicycle with a box before the rider, or a folding one on small wheels."""
    return _cargo(rng) if rng.random() < 0.5 else _folding(rng)


def _seat(colour: Colour, *, foot: float) -> list[Mesh]:
    """Seat post, saddle and cranks; the frame meets the post at height `foot`."""
    return [
        tube((-0.14, 0, foot), (-0.23, 0, 0.92), 0.022, SILVER),
        ball((0.15, 0.10, 0.045), (0.45, 0.28, 0.16)).moved(by=(-0.22, 0, 0.93)),
        tube((-0.06, -0.12, 0.22), (-0.06, 0.12, 0.38), 0.018, DARK),
        tube((-0.06, 0, 0.30), (-0.14, 0, foot), 0.026, colour),
    ]


def _bars(colour: Colour, *, foot: tuple[float, float, float]) -> list[Mesh]:
    """A tall stem with swept handlebars in the rider's reach."""
    return [
        tube(foot, (0.34, 0, 1.06), 0.02, colour),
        tube((0.22, -0.30, 1.08), (0.36, 0, 1.06), 0.016, SILVER),
        tube((0.22, 0.30, 1.08), (0.36, 0, 1.06), 0.016, SILVER),
    ]


def _cargo(rng: np.random.Generator) -> Model:
    colour, wood = _paint(rng), np.array([0.62, 0.47, 0.30]) * rng.uniform(0.6, 1.2)
    wheels = [hoop(0.34, 0.026, DARK, x=-0.55), hoop(0.25, 0.026, DARK, x=1.55)]
    wheels += [*spokes(0.34, x=-0.55, count=4), *spokes(0.25, x=1.55, count=4)]
    frame = [
        tube((-0.55, 0, 0.34), (-0.06, 0, 0.30), 0.024, colour),
        tube((-0.55, 0, 0.34), (-0.18, 0, 0.70), 0.020, colour),
        tube((-0.06, 0, 0.30), (1.30, 0, 0.28), 0.032, colour),
        tube((-0.12, 0, 0.55), (0.32, 0, 0.60), 0.028, colour),
        tube((1.55, 0, 0.25), (1.32, 0, 0.62), 0.026, colour),
    ]
    hold = loft(rings_of([(0.30, 0.40, 0.26), (0.85, 0.52, 0.36), (0.87, 0.52, 0.36)], segments=8), wood)
    extras = [hold.moved(by=(0.86, 0, 0)), box((0.03, 0.06, 0.06), RED_LAMP, centre=(-0.85, 0, 0.62))]
    guards = [box((0.5, 0.10, 0.02), colour, centre=(-0.60, 0, 0.71))]
    return _model(
        "bicycle", [*wheels, *frame, *extras, *guards, *_seat(colour, foot=0.62), *_bars(colour, foot=(0.30, 0, 0.35))]
    )


def _folding(rng: np.random.Generator) -> Model:
    colour = _paint(rng)
    wheels = [hoop(0.21, 0.03, DARK, x=x) for x in (-0.46, 0.50)]
    hubs = [tube((x, -0.02, 0.21), (x, 0.02, 0.21), 0.17, SILVER, segments=10) for x in (-0.46, 0.50)]
    frame = [
        tube((-0.46, 0, 0.21), (-0.10, 0, 0.42), 0.028, colour),
        tube((-0.10, 0, 0.42), (0.42, 0, 0.48), 0.040, colour),
        tube((0.50, 0, 0.21), (0.42, 0, 0.52), 0.026, colour),
    ]
    bags = [box((0.32, 0.12, 0.30), _paint(rng), centre=(-0.62, side * 0.13, 0.50)) for side in (-1, 1)]
    return _model(
        "bicycle", [*wheels, *hubs, *frame, *bags, *_seat(colour, foot=0.44), *_bars(colour, foot=(0.42, 0, 0.50))]
    )


def motorcycle(rng: np.random.Generator) -> Model:
    """A chopper, a faired racer, or a three-wheeler with a roof."""
    return (_chopper, _racer, _trike)[rng.integers(3)](rng)


def _chopper(rng: np.random.Generator) -> Model:
    colour = _paint(rng)
    solids = [hoop(0.30, 0.10, DARK, x=-0.72), hoop(0.34, 0.05, DARK, x=1.18), *spokes(0.34, x=1.18, count=6)]
    solids += [tube((1.18, side, 0.34), (0.52, side, 0.98), 0.028, SILVER) for side in (-0.08, 0.08)]
    solids += [tube((0.52, side * 0.1, 0.98), (0.36, side * 0.36, 1.30), 0.016, SILVER) for side in (-1, 1)]
    solids += [
        ball((0.32, 0.15, 0.14), colour, gloss=0.5).moved(by=(0.18, 0, 0.82)),
        ball((0.24, 0.22, 0.24), SILVER, gloss=0.5).moved(by=(0.08, 0, 0.46)),
        ball((0.30, 0.18, 0.06), (0.30, 0.18, 0.10)).moved(by=(-0.30, 0, 0.74)),
        ball((0.42, 0.12, 0.20), colour, gloss=0.5).moved(by=(-0.74, 0, 0.55)),
        tube((0.2, -0.24, 0.28), (-1.05, -0.24, 0.34), 0.05, SILVER),
        tube((0.2, 0.24, 0.28), (-1.05, 0.24, 0.34), 0.05, SILVER),
        tube((-0.6, 0, 0.7), (-0.92, 0, 1.25), 0.02, SILVER),
        ball((0.09, 0.12, 0.12), WHITE_LAMP, gloss=0.5).moved(by=(0.66, 0, 0.92)),
        box((0.03, 0.16, 0.08), RED_LAMP, centre=(-1.12, 0, 0.62)),
    ]
    return _model("motorcycle", solids)


def _racer(rng: np.random.Generator) -> Model:
    colour, second = _paint(rng), _paint(rng)
    solids = [hoop(0.31, 0.08, DARK, x=x) for x in (-0.66, 0.70)]
    solids += [tube((x, -0.06, 0.31), (x, 0.06, 0.31), 0.16, (0.8, 0.6, 0.2), segments=10) for x in (-0.66, 0.70)]
    solids += [
        ball((0.52, 0.24, 0.36), colour, segments=10, gloss=0.5).moved(by=(0.34, 0, 0.66)),
        ball((0.20, 0.20, 0.24), (0.2, 0.22, 0.25), gloss=0.8).moved(by=(0.56, 0, 1.00)),
        ball((0.34, 0.17, 0.15), second, gloss=0.5).moved(by=(0.08, 0, 0.84)),
        ball((0.40, 0.14, 0.10), colour, gloss=0.5).moved(by=(-0.66, 0, 0.92)),
        ball((0.22, 0.13, 0.06), DARK).moved(by=(-0.24, 0, 0.80)),
        box((0.9, 0.36, 0.10), second, centre=(0.1, 0, 0.36), gloss=0.4),
        tube((0.52, -0.30, 0.98), (0.52, 0.30, 0.98), 0.02, DARK),
        tube((-0.2, -0.16, 0.36), (-0.9, -0.16, 0.70), 0.06, SILVER),
        box((0.03, 0.2, 0.06), RED_LAMP, centre=(-1.02, 0, 0.94)),
        box((0.05, 0.24, 0.08), WHITE_LAMP, centre=(0.85, 0, 0.74)),
    ]
    return _model("motorcycle", solids)


def _trike(rng: np.random.Generator) -> Model:
    """A scooter on three wheels with windscreen and roof."""
    colour = _paint(rng)
    solids = [hoop(0.23, 0.07, DARK, x=-0.62)]
    solids += [hoop(0.22, 0.05, DARK, x=0.72).moved(by=(0, side, 0)) for side in (-0.24, 0.24)]
    solids += [
        ball((0.50, 0.24, 0.26), colour, gloss=0.5).moved(by=(-0.50, 0, 0.56)),
        ball((0.36, 0.17, 0.07), DARK).moved(by=(-0.32, 0, 0.80)),
        box((0.6, 0.40, 0.07), DARK, centre=(0.14, 0, 0.28)),
        ball((0.20, 0.32, 0.40), colour, gloss=0.5).moved(by=(0.58, 0, 0.66)),
        box((0.03, 0.62, 0.72), (0.30, 0.34, 0.38), centre=(0.42, 0, 1.42), gloss=0.8),
        box((1.25, 0.66, 0.05), colour, centre=(-0.16, 0, 1.98), gloss=0.4),
        *(tube((-0.72, side, 0.75), (-0.66, side, 1.97), 0.02, DARK) for side in (-0.28, 0.28)),
        box((0.4, 0.46, 0.42), colour, centre=(-0.98, 0, 0.92)),
        tube((0.36, -0.34, 1.04), (0.36, 0.34, 1.04), 0.018, DARK),
        box((0.03, 0.3, 0.08), RED_LAMP, centre=(-1.19, 0, 0.84)),
        *(ball((0.05, 0.08, 0.08), WHITE_LAMP, gloss=0.5).moved(by=(0.76, side, 0.72)) for side in (-0.16, 0.16)),
    ]
    return _model("motorcycle", solids)
