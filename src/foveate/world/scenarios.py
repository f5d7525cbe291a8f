"""Scenarios by name: each builds a whole scene and a camera from one seed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from foveate.world import street
from foveate.world.camera import Camera, Walk
from foveate.world.errors import WorldError
from foveate.world.light import Light, sunny
from foveate.world.scene import Scene
from foveate.world.sensor import Sensor, random_sensor
from foveate.world.textures import Picture, sky
from foveate.world.traffic import clear_way, populate, random_density
from foveate.world.views import random_still, random_walk


@dataclass(frozen=True, kw_only=True)
class Shoot:
    """A scene with a camera that walks through it, a way to take stills in it, and the sensor."""

    scene: Scene
    walk: Walk
    sensor: Sensor
    still: Callable[[np.random.Generator, tuple[int, int], float], Camera]
    """Camera of one still, from a generator, the picture's size and the time in seconds."""


def _stream(seed: int, purpose: int) -> np.random.Generator:
    """Independent generators of one seed: changing how trees are drawn must not move the cars."""
    return np.random.default_rng([seed, purpose])


def _dome(light: Light, rng: np.random.Generator) -> Picture:
    return sky(rng, zenith=light.zenith_colour, horizon=light.haze_colour, cover=light.clouds)


def walk_sunny(seed: int) -> Shoot:
    """A walk along a street of shops and houses on a sunny day, among people and traffic."""
    plan = street.random_plan(_stream(seed, 0))
    light = sunny(_stream(seed, 1))
    walk = random_walk(plan, _stream(seed, 4))
    actors = populate(plan, random_density(_stream(seed, 2)), _stream(seed, 3))
    actors = clear_way(actors, y=walk.start[1], half=0.55)
    scene = Scene(
        plan=plan,
        light=light,
        scenery=street.build(plan, _stream(seed, 5)),
        dome=_dome(light, _stream(seed, 6)),
        actors=actors,
    )
    return Shoot(
        scene=scene,
        walk=walk,
        sensor=random_sensor(_stream(seed, 7)),
        still=lambda rng, size, time: random_still(scene, rng, size=size, time=time),
    )


SCENARIOS: Mapping[str, Callable[[int], Shoot]] = {"walk-sunny": walk_sunny}
"""Builders of a `Shoot` from a seed, by name."""


def build(scenario: str, *, seed: int) -> Shoot:
    """The scene of `scenario` for `seed`; raises `WorldError` for an unknown name or a negative seed."""
    if scenario not in SCENARIOS:
        raise WorldError(f"unknown scenario {scenario!r}; known: {', '.join(sorted(SCENARIOS))}")
    if seed < 0:
        raise WorldError(f"a seed must not be negative, got {seed}")
    return SCENARIOS[scenario](seed)
