"""A bicycle ride through sunny streets."""

from foveate.world import circuit
from foveate.world.light import sunny
from foveate.world.ride import random_ride
from foveate.world.scene import Scene
from foveate.world.sensor import random_sensor
from foveate.world.shoot import Shoot, stream
from foveate.world.sunny import dome
from foveate.world.traffic import random_density


def cycle_sunny(seed: int, *, unseen: bool = False) -> Shoot:
    """A ride round a block on a sunny day, along the edge of the road."""
    block, light = circuit.random_circuit(stream(seed, 0)), sunny(stream(seed, 1))
    ride = random_ride(block, stream(seed, 4))
    density = random_density(stream(seed, 2))
    scene = Scene(
        plan=block.plan,
        light=light,
        scenery=circuit.build(block, stream(seed, 5), unseen=unseen),
        dome=dome(light, stream(seed, 6)),
        actors=circuit.populate(block, density, stream(seed, 3), flow=ride.flow, unseen=unseen),
    )
    return Shoot(
        scene=scene,
        path=ride,
        sensor=random_sensor(stream(seed, 7)),
        still=lambda rng, size, time: circuit.random_still(block, scene, rng, size=size, time=time),
    )
