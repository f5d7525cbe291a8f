"""How near a camera on its way comes to everybody: nobody may be filmed from within."""

from collections.abc import Sequence

import numpy as np

from foveate.world.camera import CameraPath
from foveate.world.mesh import Floats
from foveate.world.motion import Actor, Tracks, footprint

_LONGEST_S = 300.0
"""Seconds for which nobody may walk into a camera."""
_ELBOW_ROOM = 0.3
"""Metres between a camera and who crosses its way, at least."""


def least_gaps(actors: Sequence[Actor], path: CameraPath, *, seconds: float, step: float = 0.1) -> Floats:
    """`(N,)`: least distance on the ground between the camera and each actor's footprint, metres, in steps of time."""
    tracks, reach = Tracks(actors), np.array([footprint(actor) for actor in actors]).reshape(-1, 2)
    least = np.full(len(actors), np.inf)
    for time in np.arange(0, seconds, step):
        at, heading = tracks.places(float(time))
        offset = np.asarray(path.at(float(time), size=(32, 32)).position[:2]) - at[:, :2]
        c, s = np.cos(heading), np.sin(heading)
        ahead = np.abs(c * offset[:, 0] + s * offset[:, 1]) - reach[:, 0]
        aside = np.abs(c * offset[:, 1] - s * offset[:, 0]) - reach[:, 1]
        np.minimum(least, np.hypot(np.maximum(ahead, 0), np.maximum(aside, 0)), out=least)
    return least


def unmet(actors: Sequence[Actor], path: CameraPath) -> list[Actor]:
    """Without those who pace across the way of a camera and would walk into it within the longest usual clip."""
    pacing = [actor for actor in actors if actor.paces]
    gaps = least_gaps(pacing, path, seconds=_LONGEST_S, step=0.25)
    met = {id(actor) for actor, gap in zip(pacing, gaps, strict=True) if gap < _ELBOW_ROOM}
    return [actor for actor in actors if id(actor) not in met]
