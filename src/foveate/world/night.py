"""The street at night: a dark blue sky, street lamps, lit windows, head lamps and tail lamps."""

from dataclasses import replace

import numpy as np

from foveate.world import circuit as ways
from foveate.world.camera import CameraPath
from foveate.world.circuit import Circuit, random_circuit, random_still
from foveate.world.drive import random_drive
from foveate.world.furniture import lamp_post
from foveate.world.lamps import Lamps, fitted, heads_of
from foveate.world.light import dark
from foveate.world.mesh import Mesh
from foveate.world.motion import Actor
from foveate.world.scene import Scene
from foveate.world.sensor import Sensor, nocturnal, random_sensor
from foveate.world.shoot import Shoot, stream
from foveate.world.street import KERB, Scenery, stretches
from foveate.world.sunny import dome
from foveate.world.traffic import Density, random_density
from foveate.world.windows import lit_windows, random_palette


def lamp_posts(circuit: Circuit, rng: np.random.Generator) -> tuple[Mesh, ...]:
    """Street lamps on both sides, 22 to 34 metres apart."""
    plan, spacing = circuit.plan, float(rng.uniform(22, 34))
    low, high = plan.ends
    posts = []
    for sign in (-1, 1):
        for x in np.arange(low + rng.uniform(0, spacing), high, spacing):
            at = (float(x), sign * (plan.kerb + 0.35), KERB)
            posts.append(lamp_post(rng).moved(by=at, yaw=0.0 if sign > 0 else np.pi))
    return stretches(posts, circuit.ring.set_down)


def _thinned(density: Density) -> Density:
    """Fewer people are out at night."""
    return replace(density, walkers=density.walkers * 2 // 3, standing=density.standing // 2)


def random_lamps(scenery: Scenery, actors: list[Actor], own: CameraPath, rng: np.random.Generator) -> Lamps:
    """The lamps of a street and of those who drive in it; `own` is the way of the camera's car."""
    panes, codes = lit_windows(scenery.surfaces, rng)
    sodium = np.array([1.0, 0.62, 0.26]), np.array([1.0, 0.90, 0.74])
    share = float(rng.uniform(0, 1))
    colour = sodium[0] * share + sodium[1] * (1 - share)
    level = float(rng.uniform(0.7, 1.3))
    return Lamps(
        ambient=(0.022 * level, 0.027 * level, 0.044 * level),
        posts=heads_of(scenery.standing),
        post_colour=(float(colour[0]), float(colour[1]), float(colour[2])),
        post_power=float(rng.uniform(50, 95)),
        panes=panes,
        codes=codes,
        palette=random_palette(rng),
        fitted=fitted(actors),
        own=own,
    )


def night_sensor(rng: np.random.Generator) -> Sensor:
    """A camera at the end of its range."""
    return nocturnal(random_sensor(rng))


def drive_night(seed: int, *, unseen: bool = False) -> Shoot:
    """A drive through streets at night."""
    circuit = random_circuit(stream(seed, 0))
    light = dark(stream(seed, 1))
    drive = random_drive(circuit, stream(seed, 4))
    density = _thinned(random_density(stream(seed, 2)))
    actors = list(ways.populate(circuit, density, stream(seed, 3), flow=drive.flow, unseen=unseen))
    built = ways.build(circuit, stream(seed, 5), unseen=unseen)
    scenery = replace(built, standing=(*built.standing, *lamp_posts(circuit, stream(seed, 11))))
    scene = Scene(
        plan=circuit.plan,
        light=light,
        scenery=scenery,
        dome=dome(light, stream(seed, 6)),
        actors=actors,
        lamps=random_lamps(scenery, actors, drive, stream(seed, 12)),
    )
    return Shoot(
        scene=scene,
        path=drive,
        sensor=night_sensor(stream(seed, 7)),
        draw_sensor=night_sensor,
        still=lambda rng, size, time: random_still(circuit, scene, rng, size=size, time=time),
    )
