"""A scene: the street, its light, its actors, and how each looks at a moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from foveate.world.camera import Camera
from foveate.world.light import Light
from foveate.world.mesh import Floats, Ints
from foveate.world.motion import Actor, Tracks
from foveate.world.rig import Skin, skinned
from foveate.world.street import Plan, Scenery
from foveate.world.textures import Picture

_MARGIN = 8.0
"""Metres beyond the view in which things are kept: half a bus, or the length of a shadow."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Everything that is to be seen, over all time."""

    plan: Plan
    light: Light
    scenery: Scenery
    dome: Picture
    """Panorama of the sky, see `textures.sky`."""
    actors: Sequence[Actor]
    """Objects; the place in this sequence is the object's number and its track id."""

    @cached_property
    def skin(self) -> Skin:
        """All actors at rest."""
        return skinned([actor.model for actor in self.actors])

    @cached_property
    def tracks(self) -> Tracks:
        """Where all actors are, by time."""
        return Tracks(self.actors)

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """COCO name of each actor."""
        return tuple(actor.model.category for actor in self.actors)

    @cached_property
    def reach(self) -> Floats:
        """`(N, 2)`: half length and half width of each actor's footprint, metres."""
        return np.array([_footprint(actor) for actor in self.actors], np.float32).reshape(-1, 2)

    def near(self, camera: Camera, time: float, *, distance: float) -> Ints:
        """Numbers of the actors within `distance` metres that may be in view, or may cast a shadow into it."""
        at, _ = self.tracks.places(time)
        offset = at - np.asarray(camera.position, np.float32)
        right, _, forward = camera.axes
        ahead, aside = offset @ forward, np.abs(offset @ right)
        cone = np.maximum(ahead, 0) * (camera.width / 2 / camera.focal) + _MARGIN
        close = np.linalg.norm(offset, axis=1) < distance
        return np.flatnonzero((ahead > -_MARGIN) & (aside < cone) & close).astype(np.int32)


def _footprint(actor: Actor) -> tuple[float, float]:
    if actor.bearing is not None:
        return (0.32, 0.30)
    points = actor.model.parts[0].mesh.points
    return (float(np.ptp(points[:, 0])) / 2 * 1.04, float(np.ptp(points[:, 1])) / 2 * 1.12)
