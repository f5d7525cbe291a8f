"""Where a camera may stand: walks for clips, and widely different places for stills."""

from collections.abc import Callable

import numpy as np

from foveate.world.camera import Camera, Walk
from foveate.world.errors import WorldError
from foveate.world.mesh import Floats
from foveate.world.scene import Scene
from foveate.world.street import KERB, Plan

_ELBOW_ROOM = 0.9
"""Metres by which nobody may stand nearer to the camera of a still, beyond the object's own footprint."""


def random_walk(plan: Plan, rng: np.random.Generator) -> Walk:
    """A walk on the pavement, or along the edge of the road."""
    side, direction = float(rng.choice([-1, 1])), float(rng.choice([0, np.pi]))
    on_pavement = rng.random() < 0.7
    y = plan.kerb + 0.95 if on_pavement else plan.lanes * plan.lane / 2 - 0.25
    # The far side of the street is the interesting one: look towards it, never into the wall.
    towards_road = -side if direction == 0 else side
    return Walk(
        start=(
            float(-np.cos(direction) * rng.uniform(10, 60)),
            side * y,
            float(rng.uniform(1.45, 2.1)) + KERB * on_pavement,
        ),
        heading=direction,
        speed=float(rng.uniform(0.9, 1.5)),
        gaze=towards_road * float(rng.uniform(0.02, 0.30)),
        wander=float(rng.uniform(0.03, 0.12)),
        wander_period=float(rng.uniform(7, 14)),
        pitch=float(rng.uniform(-0.09, 0.0)),
        bob=float(rng.uniform(0.012, 0.03)),
        field_of_view=float(np.radians(rng.uniform(36, 50))),
        limit=plan.length / 2 - 28,
    )


def _spot(plan: Plan, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """Side place, height, yaw and pitch of a still."""
    kind, side = rng.random(), float(rng.choice([-1, 1]))
    yaw = float(rng.choice([0, np.pi]) + rng.normal(0, 0.3))
    height, pitch = float(rng.uniform(1.3, 2.2)), float(rng.normal(-0.04, 0.05))
    if kind < 0.45:
        # Towards the road: the near wall is close and dull.
        yaw += -side * 0.15 if np.cos(yaw) > 0 else side * 0.15
        return side * float(rng.uniform(plan.kerb + 0.3, plan.wall - 0.6)), height + KERB, yaw, pitch
    if kind < 0.65:
        return float(rng.uniform(-1, 1)) * (plan.kerb - 0.5), height, yaw, pitch
    if kind < 0.80:
        across = -side * np.pi / 2 + float(rng.normal(0, 0.45))
        return side * float(rng.uniform(plan.kerb, plan.wall - 0.6)), height + KERB, across, pitch
    raised = float(rng.uniform(3.0, 6.0))
    return side * float(rng.uniform(0.1, 0.75)) * plan.kerb, raised, yaw, -float(rng.uniform(0.12, 0.32))


Put = Callable[[float, float], tuple[tuple[float, float], float]]
"""Where a place of the street lies in the world, metres, and the street's heading there."""


def _straight(x: float, y: float) -> tuple[tuple[float, float], float]:
    return (x, y), 0.0


def random_still(
    scene: Scene, rng: np.random.Generator, *, size: tuple[int, int], time: float, put: Put = _straight
) -> Camera:
    """A camera somewhere in the street, not inside anybody; raises `WorldError` where there is no street."""
    plan = scene.plan
    if plan is None:
        raise WorldError("a still of a street needs a scene with a street's plan, got none")
    at, _ = scene.tracks.places(time)
    for _ in range(40):
        y, height, yaw, pitch = _spot(plan, rng)
        place, bend = put(float(rng.uniform(-0.38, 0.38) * plan.length), y)
        eye = np.array([*place, height], np.float32)
        if height > 3 or _is_free(eye, at, scene.reach):
            break
    return Camera(
        position=(float(eye[0]), float(eye[1]), float(eye[2])),
        yaw=yaw + bend,
        pitch=pitch,
        roll=float(rng.normal(0, 0.02)),
        field_of_view=float(np.radians(rng.uniform(26, 56))),
        height=size[0],
        width=size[1],
    )


def _is_free(eye: Floats, at: Floats, reach: Floats) -> bool:
    gaps = np.linalg.norm(at[:, :2] - eye[:2], axis=1) - reach.max(axis=1, initial=0)
    return bool(np.all(gaps > _ELBOW_ROOM))
