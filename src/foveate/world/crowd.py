"""People off the street: knots who talk, people who sit, walkers along any line that nothing stands in."""

from dataclasses import replace

import numpy as np

from foveate.world.gait import REFERENCE_HEIGHT
from foveate.world.mesh import Floats
from foveate.world.motion import Actor, Bearing
from foveate.world.traffic import Cast, on_foot

SEAT = 0.56
"""Height of whatever people sit on, metres."""
_ABREAST = 0.62
"""Metres between the walkers of a group."""


def walking(
    cast: Cast,
    rng: np.random.Generator,
    *,
    middle: tuple[float, float],
    heading: float,
    span: float,
    paces: bool = False,
) -> list[Actor]:
    """A walker or a group along a track of `span` metres about `middle`."""
    pace, start = float(rng.uniform(0.8, 1.7)), float(rng.uniform(-span / 2, span / 2))
    aside = np.array([-np.sin(heading), np.cos(heading)])
    group = []
    for member in range(int(rng.choice([1, 2, 3, 4], p=[0.55, 0.28, 0.11, 0.06]))):
        row, column = divmod(member, 2)
        x, y = np.asarray(middle) + _ABREAST * column * aside
        place, behind = (float(x), float(y), 0.0), start - 1.0 * row + float(rng.normal(0, 0.12))
        walker = on_foot(cast, rng, at=place, heading=heading, pace=pace, start=behind, span=span)
        group.append(replace(walker, paces=paces))
    return group


def standing(cast: Cast, rng: np.random.Generator, at: tuple[float, float], heading: float) -> Actor:
    """Somebody who stands there, weight on one leg more than on the other."""
    actor = on_foot(cast, rng, at=(*at, 0.0), heading=heading, pace=0.0, start=0.0, span=1.0)
    assert actor.bearing is not None
    return replace(actor, bearing=replace(actor.bearing, swing=float(rng.uniform(0.0, 0.08))))


def knot(cast: Cast, rng: np.random.Generator, centre: tuple[float, float], count: int) -> list[Actor]:
    """`count` people in a ring about `centre`, facing one another."""
    radius, turn = 0.45 + 0.13 * count, float(rng.uniform(0, 2 * np.pi))
    people = []
    for k in range(count):
        angle = turn + 2 * np.pi * k / count + float(rng.normal(0, 0.15))
        place = np.asarray(centre) + radius * np.array([np.cos(angle), np.sin(angle)])
        facing = angle + np.pi + float(rng.normal(0, 0.3))
        people.append(standing(cast, rng, (float(place[0]), float(place[1])), facing))
    return people


def sitting(cast: Cast, rng: np.random.Generator, at: tuple[float, float], heading: float) -> Actor:
    """Somebody on a seat of height `SEAT`, hips above `at`, legs towards `heading`."""
    height, model = cast.someone()
    bearing = Bearing(
        height=height,
        phase=float(rng.normal(0, 0.12)),
        lean=float(rng.uniform(-0.1, 0.25)),
        saddle=SEAT + 0.12 * height / REFERENCE_HEIGHT,
        reach=float(rng.uniform(0.3, 0.9)),
    )
    return Actor(model=model, at=(*at, 0.0), heading=heading, bearing=bearing)


def is_clear(middle: tuple[float, float], heading: float, span: float, discs: Floats, room: float) -> bool:
    """Whether a track keeps `room` metres off all `discs`, rows of x, y and radius in metres."""
    offset = discs[:, :2] - np.asarray(middle)
    direction = np.array([np.cos(heading), np.sin(heading)])
    along = np.clip(offset @ direction, -span / 2, span / 2)
    gaps = np.linalg.norm(offset - along[:, None] * direction, axis=1)
    return bool(np.all(gaps > discs[:, 2] + room))
