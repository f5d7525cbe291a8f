"""A scene: the street, its light, its actors, and how each looks at a moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from foveate.world.camera import Camera
from foveate.world.detail import level_at
from foveate.world.lamps import Lamps
from foveate.world.light import Light
from foveate.world.mesh import Floats, Ints
from foveate.world.motion import Actor, Tracks, footprint
from foveate.world.rain import Rain
from foveate.world.rig import Skin, skinned
from foveate.world.street import Plan, Scenery
from foveate.world.textures import Picture

_MARGIN = 8.0
"""Metres beyond the view in which things are kept: half a bus, or the length of a shadow."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Everything that is to be seen, over all time."""

    light: Light
    scenery: Scenery
    dome: Picture
    """Panorama of the sky, see `textures.sky`."""
    actors: Sequence[Actor]
    """Objects; the place in this sequence is the object's number and its track id."""
    plan: Plan | None = None
    """Measures of the street, where there is one."""
    shaded: float = 46.0
    """Half side of the square before the camera in which the sun casts shadows, metres."""
    polish: float = 0.0
    """Share of what a polished floor mirrors at grazing view, 0..1."""
    rain: Rain | None = None
    """Falling rain, with the wet ground that it leaves."""
    lamps: Lamps | None = None
    """Artificial light, where it is night."""

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
        return np.array([footprint(actor) for actor in self.actors], np.float32).reshape(-1, 2)

    def near(self, camera: Camera, time: float, *, distance: float) -> Ints:
        """Numbers of the actors within `distance` metres that may be in view, or may cast a shadow into it."""
        at, _ = self.tracks.places(time)
        offset = at - np.asarray(camera.position, np.float32)
        right, _, forward = camera.axes
        ahead, aside = offset @ forward, np.abs(offset @ right)
        cone = np.maximum(ahead, 0) * (camera.width / 2 / camera.focal) + _MARGIN
        close = np.linalg.norm(offset, axis=1) < distance
        return np.flatnonzero((ahead > -_MARGIN) & (aside < cone) & close).astype(np.int32)

    def levels(self, camera: Camera, time: float, kept: Ints) -> Ints:
        """`(N,)`: levels of detail at which the objects `kept` serve this view, see `detail.level_at`."""
        at, _ = self.tracks.places(time)
        away = np.linalg.norm(at[kept] - np.asarray(camera.position, np.float32), axis=1)
        return level_at((away - self.reach[kept].max(axis=1, initial=0)) / camera.focal)
