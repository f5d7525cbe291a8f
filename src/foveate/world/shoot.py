"""A shoot: a scene, the camera's way through it, and the sensor; what a scenario builds from a seed."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from foveate.world.camera import Camera, CameraPath
from foveate.world.scene import Scene
from foveate.world.sensor import Sensor, random_sensor


@dataclass(frozen=True, kw_only=True)
class Shoot:
    """A scene with a camera that moves through it, a way to take stills in it, and the sensor."""

    scene: Scene
    path: CameraPath
    sensor: Sensor
    still: Callable[[np.random.Generator, tuple[int, int], float], Camera]
    """Camera of one still, from a generator, the picture's size and the time in seconds."""
    draw_sensor: Callable[[np.random.Generator], Sensor] = random_sensor
    """Another sensor for every still."""


def stream(seed: int, purpose: int) -> np.random.Generator:
    """Independent generators of one seed: changing how trees are drawn must not move the cars."""
    return np.random.default_rng([seed, purpose])
