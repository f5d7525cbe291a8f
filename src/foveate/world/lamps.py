"""Lamps at night: where they are, which way they shine, and what of them the camera sees."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from foveate.world.camera import Camera, CameraPath
from foveate.world.errors import WorldError
from foveate.world.furniture import LAMP_HEAD
from foveate.world.mesh import Colour, Floats, Ints, Mesh, unit
from foveate.world.motion import Actor
from foveate.world.vehicles import RED_LAMP, WHITE_LAMP

HEAD_COLOUR: Colour = (1.0, 0.95, 0.84)
TAIL_COLOUR: Colour = (1.0, 0.05, 0.03)
_BOX_POINTS = 24
"""How many vertices a box has: the head of a lamp post is one."""


@dataclass(frozen=True, kw_only=True)
class Beams:
    """Lights that fall on surfaces, N of them."""

    at: Floats
    """`(N, 3)`, metres."""
    aim: Floats
    """`(N, 3)`, unit vectors along the middle of each beam."""
    spread: Floats
    """`(N,)`: cosine of the angle at which a beam ends."""
    power: Floats
    """`(N, 3)`: linear RGB on a surface that faces the lamp a metre away."""
    reach: Floats
    """`(N,)`: metres beyond which nothing is lit."""

    def __post_init__(self) -> None:
        if not len(self.at) == len(self.aim) == len(self.spread) == len(self.power) == len(self.reach):
            raise WorldError("beams need as many places, aims, spreads, powers and reaches")


@dataclass(frozen=True, kw_only=True)
class Bulbs:
    """Lamps as they are seen, N of them."""

    at: Floats
    """`(N, 3)`, metres."""
    radius: Floats
    """`(N,)`, metres."""
    glow: Floats
    """`(N, 3)`: linear RGB, 1 is white paper by day."""


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """The lamps of the vehicles that drive, N of them."""

    actor: Ints
    """`(N,)`."""
    at: Floats
    """`(N, 3)`: place on the vehicle, metres from its middle on the ground."""
    front: NDArray[np.bool_]
    """`(N,)`: whether it is a head lamp; else a tail lamp."""
    radius: Floats
    """`(N,)`, metres."""


@dataclass(frozen=True, kw_only=True)
class Lamps:
    """All artificial light of a scene, and what is left of the sky's."""

    ambient: Colour
    """Linear RGB that reaches every surface."""
    posts: Floats
    """`(N, 3)`: heads of the street lamps, metres."""
    post_colour: Colour
    """Linear RGB."""
    post_power: float
    """Light of a street lamp a metre below it."""
    panes: Mesh
    """Lit windows, just in front of the walls."""
    codes: NDArray[np.uint8]
    """`(V,)`: row of `palette` for each vertex of `panes`, from 1."""
    palette: Floats
    """`(256, 3)`: linear RGB of the light from within that falls through a window; row 0 is none."""
    fitted: Fitted
    own: CameraPath | None
    """The way of the vehicle from which clips are taken: its head lamps light what lies ahead of it."""


def heads_of(meshes: Sequence[Mesh]) -> Floats:
    """`(N, 3)`: middles of the heads of all lamp posts in `meshes`."""
    points = [mesh.points[_painted(mesh, LAMP_HEAD)] for mesh in meshes]
    return np.asarray(np.concatenate(points).reshape(-1, _BOX_POINTS, 3).mean(axis=1))


def _painted(mesh: Mesh, colour: Colour) -> NDArray[np.bool_]:
    return np.asarray(np.all(np.abs(mesh.colours - np.asarray(colour, np.float32)) < 1e-4, axis=1))


def fitted(actors: Sequence[Actor]) -> Fitted:
    """The lamps of all of `actors` that move and have lamps."""
    known: dict[int, list[tuple[Floats, bool, float]]] = {}
    rows = []
    for number, actor in enumerate(actors):
        if actor.bearing is None and (actor.speed > 0 or actor.flow is not None):
            mesh = actor.model.parts[0].mesh
            lamps = known.setdefault(id(mesh), _lamps_on(mesh))
            rows += [(number, *lamp) for lamp in lamps]
    return Fitted(
        actor=np.array([row[0] for row in rows], np.int32),
        at=np.array([row[1] for row in rows], np.float32).reshape(-1, 3),
        front=np.array([row[2] for row in rows], bool),
        radius=np.array([row[3] for row in rows], np.float32),
    )


def _lamps_on(mesh: Mesh) -> list[tuple[Floats, bool, float]]:
    """Place, whether in front, and radius of each lamp: one on each side, or one in the middle of what is slim."""
    found = []
    for colour, front in ((WHITE_LAMP, True), (RED_LAMP, False)):
        points = mesh.points[_painted(mesh, colour)]
        # Lamps may sit inside the body's round corners: put them on its outermost plane.
        x = float(mesh.points[:, 0].max() + 0.03 if front else mesh.points[:, 0].min() - 0.03)
        slim = float(np.ptp(mesh.points[:, 1])) < 1.2
        for side in (points,) if slim else (points[points[:, 1] > 0], points[points[:, 1] < 0]):
            if len(side):
                middle = (side.min(axis=0) + side.max(axis=0)) / 2
                place = np.array([x, middle[1], middle[2]], np.float32)
                found.append((place, front, 0.05 if slim else 0.10 if front else 0.12))
    return found


def _placed(fitted_: Fitted, at: Floats, heading: Floats) -> tuple[Floats, Floats]:
    """World places `(N, 3)` of vehicles' lamps and the directions `(N, 3)` they look in."""
    yaw = heading[fitted_.actor]
    c, s = np.cos(yaw), np.sin(yaw)
    x, y, z = fitted_.at.T
    place = at[fitted_.actor] + np.stack([c * x - s * y, s * x + c * y, z], axis=1)
    sign = np.where(fitted_.front, 1.0, -1.0)
    return place.astype(np.float32), np.stack([sign * c, sign * s, 0 * c], axis=1).astype(np.float32)


def beams(lamps: Lamps, time: float, at: Floats, heading: Floats) -> Beams:
    """What shines on surfaces at `time`; `at` `(A, 3)` and `heading` `(A,)` are where the actors are then."""
    place, aim = _placed(lamps.fitted, at, heading)
    front, count = lamps.fitted.front, len(lamps.posts)
    post = np.asarray(lamps.post_colour) * lamps.post_power
    fitted_power = np.where(front[:, None], np.multiply(HEAD_COLOUR, 16), np.multiply(TAIL_COLOUR, 0.35))
    lit = Beams(
        at=np.concatenate([lamps.posts, place]),
        aim=np.concatenate([np.tile([0.0, 0.0, -1.0], (count, 1)), unit(aim - (0, 0, 0.05) * front[:, None])]),
        spread=np.concatenate([np.full(count, 0.12), np.where(front, 0.86, 0.1)]),
        power=np.concatenate([np.tile(post, (count, 1)), fitted_power]),
        reach=np.concatenate([np.full(count, 24.0), np.where(front, 38.0, 5.0)]),
    )
    return lit if lamps.own is None else _with_own(lit, lamps.own.at(time, size=(2, 2)))


def _with_own(lit: Beams, camera: Camera) -> Beams:
    """`lit` and the lamps below `camera`: on both sides what they shed about them and what they throw far ahead."""
    right, _, forward = camera.axes
    own = np.asarray(camera.position, np.float32) - (0, 0, 0.65) + forward * 0.6
    aim = forward * (1, 1, 0) - (0, 0, 0.05)
    power = np.multiply(HEAD_COLOUR, np.array([5.0, 5.0, 48.0, 48.0])[:, None])
    return replace(
        lit,
        at=np.concatenate([lit.at, np.tile(np.stack([own + 0.6 * right, own - 0.6 * right]), (2, 1))]),
        aim=np.concatenate([lit.aim, unit(np.stack([aim, aim, aim + 0.04 * right, aim - 0.04 * right]))]),
        spread=np.concatenate([lit.spread, [0.84, 0.84, 0.955, 0.955]]),
        power=np.concatenate([lit.power, power]),
        reach=np.concatenate([lit.reach, [30.0, 30.0, 60.0, 60.0]]),
    )


def bulbs(lamps: Lamps, camera: Camera, at: Floats, heading: Floats) -> Bulbs:
    """What is seen of the lamps now: head lamps dazzle those whom they look at."""
    place, aim = _placed(lamps.fitted, at, heading)
    towards = np.asarray(camera.position, np.float32) - place
    towards /= np.maximum(np.linalg.norm(towards, axis=1, keepdims=True), 1e-3)
    facing = np.clip(np.sum(towards * aim, axis=1), 0, 1)
    front = lamps.fitted.front
    bright = np.where(front, 3 * (facing > 0) + 45 * facing**14, 4.5 * np.sqrt(facing))
    colour = np.where(front[:, None], np.asarray(HEAD_COLOUR), np.asarray(TAIL_COLOUR))
    post = np.tile(np.multiply(lamps.post_colour, 22), (len(lamps.posts), 1))
    return Bulbs(
        at=np.concatenate([lamps.posts - (0, 0, 0.08), place]),
        radius=np.concatenate([np.full(len(lamps.posts), 0.19), lamps.fitted.radius]),
        glow=np.concatenate([post, colour * bright[:, None]]),
    )
