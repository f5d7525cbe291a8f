"""The sunny street: shops and houses on a clear day, among people and traffic."""

import numpy as np

from foveate.world import street
from foveate.world.clearance import unmet
from foveate.world.light import Light, sunny
from foveate.world.scene import Scene
from foveate.world.sensor import random_sensor
from foveate.world.shoot import Shoot, stream
from foveate.world.textures import Picture, sky
from foveate.world.traffic import clear_way, populate, random_density
from foveate.world.views import random_still, random_walk


def dome(light: Light, rng: np.random.Generator) -> Picture:
    """The sky above a street in this light."""
    return sky(rng, zenith=light.zenith_colour, horizon=light.haze_colour, cover=light.clouds)


def walk_sunny(seed: int, *, unseen: bool = False) -> Shoot:
    """A walk along a street on a sunny day."""
    plan = street.random_plan(stream(seed, 0))
    light = sunny(stream(seed, 1))
    walk = random_walk(plan, stream(seed, 4))
    actors = populate(plan, random_density(stream(seed, 2)), stream(seed, 3), unseen=unseen)
    scene = Scene(
        plan=plan,
        light=light,
        scenery=street.build(plan, stream(seed, 5), unseen=unseen),
        dome=dome(light, stream(seed, 6)),
        actors=unmet(clear_way(actors, y=walk.start[1], half=0.55), walk),
    )
    return Shoot(
        scene=scene,
        path=walk,
        sensor=random_sensor(stream(seed, 7)),
        still=lambda rng, size, time: random_still(scene, rng, size=size, time=time),
    )
