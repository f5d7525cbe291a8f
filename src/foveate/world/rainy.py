"""The rainy street: grey light from all sides, wet ground, haze and falling drops."""

import numpy as np

from foveate.world import street
from foveate.world.light import overcast
from foveate.world.rain import random_rain
from foveate.world.scene import Scene
from foveate.world.sensor import Sensor, dulled, random_sensor
from foveate.world.shoot import Shoot, stream
from foveate.world.sunny import dome
from foveate.world.traffic import clear_way, populate, random_density
from foveate.world.views import random_still, random_walk


def rainy_sensor(rng: np.random.Generator) -> Sensor:
    """A camera in poor light: more noise, less contrast and colour."""
    return dulled(random_sensor(rng))


def walk_rain(seed: int, *, unseen: bool = False) -> Shoot:
    """A walk along a street in the rain."""
    plan = street.random_plan(stream(seed, 0))
    light = overcast(stream(seed, 1))
    walk = random_walk(plan, stream(seed, 4))
    actors = populate(plan, random_density(stream(seed, 2)), stream(seed, 3), unseen=unseen)
    scene = Scene(
        plan=plan,
        light=light,
        scenery=street.build(plan, stream(seed, 5), unseen=unseen),
        dome=dome(light, stream(seed, 6)),
        actors=clear_way(actors, y=walk.start[1], half=0.55),
        rain=random_rain(stream(seed, 10)),
    )
    return Shoot(
        scene=scene,
        path=walk,
        sensor=rainy_sensor(stream(seed, 7)),
        draw_sensor=rainy_sensor,
        still=lambda rng, size, time: random_still(scene, rng, size=size, time=time),
    )
