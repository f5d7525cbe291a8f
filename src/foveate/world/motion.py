"""Where every object is at a moment: tracks along a street, entered again or paced or closed, and their bones."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from foveate.world.errors import WorldError
from foveate.world.flow import Flow
from foveate.world.gait import BONES, Habit, joints, skeleton, stride_length
from foveate.world.mesh import Floats
from foveate.world.rig import Model
from foveate.world.ring import Ring

_Key = TypeVar("_Key")


@dataclass(frozen=True, kw_only=True)
class Bearing:
    """How one person holds and moves the body; see `gait.Habit`."""

    height: float
    """Metres."""
    phase: float
    """Phase of the stride at time 0, radians."""
    swing: float = 0.0
    elbow: float = 0.0
    raise_arm: float = 0.0
    lean: float = 0.02
    saddle: float = 0.0
    """Height of a rider's hips, metres; 0 for who is on foot."""
    reach: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Actor:
    """One object and its track. Raises `WorldError` when it moves over a track of no length."""

    model: Model
    at: tuple[float, float, float]
    """Middle of its track on the ground, metres."""
    heading: float
    """Radians counter-clockwise from +x."""
    speed: float = 0.0
    """Metres a second along its heading."""
    start: float = 0.0
    """How far along the track it is at time 0, metres from the middle."""
    span: float = 1e6
    """Length of the track, metres."""
    paces: bool = False
    """Turns round at the ends of the track; otherwise it enters again at the other end."""
    bearing: Bearing | None = field(default=None)
    """For people only."""
    ring: Ring | None = None
    """The closed street whose coordinates the track is in: `at[1]` to its left, once round `span`."""
    flow: Flow | None = None
    """The lane whose speeds it keeps instead of its own; `start` is then in seconds."""

    def __post_init__(self) -> None:
        if self.span <= 0:
            raise WorldError(f"a track must have a length, got {self.span} m")


def footprint(actor: Actor) -> tuple[float, float]:
    """Half length and half width of what it covers on the ground, metres."""
    if actor.bearing is not None:
        return (0.32, 0.30)
    points = actor.model.parts[0].mesh.points
    return (float(np.ptp(points[:, 0])) / 2 * 1.04, float(np.ptp(points[:, 1])) / 2 * 1.12)


class Tracks:
    """The tracks of all actors as arrays, so that a moment of the whole street is a few array operations."""

    def __init__(self, actors: Sequence[Actor]) -> None:
        self._at = np.array([a.at for a in actors], np.float64).reshape(-1, 3)
        self._heading, self._speed, self._start, self._span = (
            np.array([getattr(a, name) for a in actors], np.float64) for name in ("heading", "speed", "start", "span")
        )
        self._paces = np.array([a.paces for a in actors], bool)
        self._people = np.array([k for k, a in enumerate(actors) if a.bearing is not None], np.int64)
        bearings = [a.bearing for a in actors if a.bearing is not None]
        names = ("height", "phase", "swing", "elbow", "raise_arm", "lean", "saddle", "reach")
        self._body = {name: np.array([getattr(b, name) for b in bearings], np.float64) for name in names}
        self._bones = np.array([a.model.bones for a in actors], np.int64)
        self._flows = _grouped([a.flow for a in actors])
        self._rings = _grouped([a.ring if a.flow is None else None for a in actors])

    def places(self, time: float) -> tuple[Floats, Floats]:
        """Positions `(N, 3)` in metres and headings `(N,)` in radians at `time` seconds."""
        travelled = self._start + self._speed * time + self._span / 2
        lap = np.floor(travelled / self._span)
        along = travelled - lap * self._span
        back = self._paces & (lap.astype(np.int64) % 2 == 1)
        along = np.where(back, self._span - along, along) - self._span / 2
        direction = np.stack([np.cos(self._heading), np.sin(self._heading), np.zeros_like(along)], axis=1)
        headings = self._heading + np.pi * back
        at = self._at + along[:, None] * direction
        for ring, who in self._rings:
            middle = ring.middle(at[who, 0], at[who, 1])
            at[who, :2], bend = ring.place(middle, at[who, 1])
            headings[who] += bend
        for flow, who in self._flows:
            at[who, :2], headings[who] = flow.place(self._start[who] + time, self._at[who, 1])
        return at.astype(np.float32), headings.astype(np.float32)

    def bones(self, time: float) -> Floats:
        """Bones `(sum of bones, 3, 4)` of all actors at `time` seconds, in the world."""
        at, heading = self.places(time)
        frames = _placed(at, heading)
        result = np.repeat(frames, self._bones, axis=0)
        if len(self._people):
            local = self._skeletons(time)
            world = frames[self._people, None]
            rotation = world[..., :3] @ local[..., :3]
            origin = (
                np.einsum("pbij,pbj->pbi", np.broadcast_to(world[..., :3], rotation.shape), local[..., 3])
                + world[..., 3]
            )
            first = np.cumsum(self._bones) - self._bones
            rows = first[self._people, None] + np.arange(len(BONES))
            result[rows] = np.concatenate([rotation, origin[..., None]], axis=-1)
        return result

    def _skeletons(self, time: float) -> Floats:
        body, speed = self._body, self._speed[self._people]
        seated = (body["saddle"] > 0).astype(np.float64)
        stride = np.maximum(stride_length(body["swing"], body["height"]), 0.3)
        rate = np.where(seated > 0, 0.2 * speed, speed / stride)
        habit = Habit(
            swing=body["swing"],
            elbow=body["elbow"],
            raise_arm=body["raise_arm"],
            lean=body["lean"],
            seated=seated,
            reach=body["reach"],
        )
        return skeleton(joints(habit, body["phase"] + 2 * np.pi * rate * time), body["height"], body["saddle"])


def _grouped(keys: Sequence[_Key | None]) -> list[tuple[_Key, NDArray[np.int64]]]:
    """Which actors share a key, for each key but None."""
    groups: dict[int, tuple[_Key, list[int]]] = {}
    for number, key in enumerate(keys):
        if key is not None:
            groups.setdefault(id(key), (key, []))[1].append(number)
    return [(key, np.array(who, np.int64)) for key, who in groups.values()]


def _placed(at: Floats, heading: Floats) -> Floats:
    frames = np.zeros((len(at), 3, 4), np.float32)
    frames[:, 0, 0] = frames[:, 1, 1] = np.cos(heading)
    frames[:, 1, 0], frames[:, 0, 1] = np.sin(heading), -np.sin(heading)
    frames[:, 2, 2] = 1
    frames[:, :, 3] = at
    return frames
