"""How people move: joint angles from the phase of a stride, and bones from joint angles.

The leg swings as a sine of the phase, the knee bends while its leg travels forwards, arms swing against legs, and
the pelvis stands wherever the lower foot touches the ground. A stride is as long as its angles make it, so feet do
not slide.
"""

from dataclasses import dataclass

import numpy as np

from foveate.world.mesh import Floats

BONES = (
    "pelvis", "chest", "head",
    "arm_l", "forearm_l", "arm_r", "forearm_r",
    "thigh_l", "shin_l", "foot_l", "thigh_r", "shin_r", "foot_r",
)  # fmt: skip
"""Order of the bones of one person."""

REFERENCE_HEIGHT = 1.75
"""Metres; lengths below are of a person of this height."""
THIGH, SHIN, FOOT_DEPTH = 0.43, 0.42, 0.07
ARM, FOREARM = 0.29, 0.25
HIP_WIDTH, SHOULDER_WIDTH, SHOULDER_HEIGHT, NECK_HEIGHT = 0.09, 0.19, 0.45, 0.50


@dataclass(frozen=True, kw_only=True)
class Joints:
    """Angles of P people, radians, each `(P,)`, forward swing positive. Index 0 of a pair is left."""

    thigh: tuple[Floats, Floats]
    knee: tuple[Floats, Floats]
    arm: tuple[Floats, Floats]
    elbow: tuple[Floats, Floats]
    lean: Floats
    spread: Floats
    """How far the arms stand off the trunk."""


@dataclass(frozen=True, kw_only=True)
class Habit:
    """What stays the same about the way P people hold themselves, each `(P,)`."""

    swing: Floats
    """Amplitude of the thigh, radians; 0 stands still."""
    elbow: Floats
    """Bend of the right elbow, radians (a phone in the hand bends it far)."""
    raise_arm: Floats
    """Forward lift of the right upper arm, radians."""
    lean: Floats
    """Forward lean of the trunk, radians."""
    seated: Floats
    """1 for a rider whose hips stand at the saddle, 0 for who walks."""
    reach: Floats
    """Forward reach of both arms of a rider, radians."""


def stride_length(swing: Floats, height: Floats) -> Floats:
    """Metres travelled in one full phase (two steps) for a thigh amplitude in radians and a body height in metres."""
    leg = (THIGH + SHIN + FOOT_DEPTH) * height / REFERENCE_HEIGHT
    length: Floats = 4 * leg * np.sin(swing)
    return length


def joints(habit: Habit, phase: Floats) -> Joints:
    """Angles at `phase` (radians, `(P,)`)."""
    walk, ride = 1 - habit.seated, habit.seated
    sides = [phase, phase + np.pi]
    thigh = [walk * habit.swing * np.sin(p) + ride * (1.05 + 0.35 * np.sin(p)) for p in sides]
    knee = [
        walk * (0.06 + 1.7 * habit.swing * np.maximum(np.cos(p), 0) ** 1.5) + ride * (1.25 + 0.4 * np.sin(p + 0.5))
        for p in sides
    ]
    swing = [-walk * 0.9 * habit.swing * np.sin(p) + ride * habit.reach for p in sides]
    bend = walk * (0.15 + 0.5 * habit.swing) + ride * 0.25
    return Joints(
        thigh=(thigh[0], thigh[1]),
        knee=(knee[0], knee[1]),
        arm=(swing[0], swing[1] * (habit.raise_arm == 0) + habit.raise_arm),
        elbow=(bend, np.maximum(bend, habit.elbow)),
        lean=habit.lean,
        spread=0.08 + 0.10 * ride,
    )


def _swing(angle: Floats) -> Floats:
    c, s, zero, one = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)
    rows = [[c, zero, -s], [zero, one, zero], [s, zero, c]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2).astype(np.float32)


def _tilt(angle: Floats) -> Floats:
    c, s, zero, one = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)
    rows = [[one, zero, zero], [zero, c, -s], [zero, s, c]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2).astype(np.float32)


def _bone(rotation: Floats, origin: Floats) -> Floats:
    return np.concatenate([rotation, origin[..., None]], axis=-1)


def _end(bone: Floats, offset: tuple[float, float, float], scale: Floats) -> Floats:
    local = np.asarray(offset, np.float32) * scale[:, None]
    end: Floats = np.einsum("pij,pj->pi", bone[..., :3], local) + bone[..., 3]
    return end


def _chain(parent: Floats, root: Floats, turns: list[Floats], lengths: list[float], scale: Floats) -> list[Floats]:
    bones, rotation, origin = [], parent, root
    for turn, length in zip(turns, lengths, strict=True):
        rotation = rotation @ turn
        bones.append(_bone(rotation, origin))
        origin = _end(bones[-1], (0, 0, -length), scale)
    return bones


def skeleton(angles: Joints, height: Floats, saddle: Floats) -> Floats:
    """Bones `(P, 13, 3, 4)` in each person's own frame: facing +x, standing on z = 0.

    `height` is body height in metres. `saddle` is the height of the hips of a rider in metres, 0 for who walks and
    stands on the lower foot.
    """
    scale = (height / REFERENCE_HEIGHT).astype(np.float32)
    origin = np.zeros((len(scale), 3), np.float32)
    level = _swing(np.zeros_like(scale))
    pelvis, chest = _bone(level, origin), _bone(_swing(-angles.lean), origin)
    head = _bone(_swing(-0.3 * angles.lean), _end(chest, (0, 0, NECK_HEIGHT), scale))
    arms, legs = [], []
    for side, sign in enumerate((1, -1)):
        shoulder = _end(chest, (0, sign * SHOULDER_WIDTH, SHOULDER_HEIGHT), scale)
        turns = [_tilt(sign * angles.spread) @ _swing(angles.arm[side]), _swing(angles.elbow[side])]
        arms += _chain(level, shoulder, turns, [ARM, FOREARM], scale)
        hip = _end(pelvis, (0, sign * HIP_WIDTH, 0), scale)
        thigh, knee = angles.thigh[side], angles.knee[side]
        flat = _swing(0.75 * (knee - thigh))
        legs += _chain(level, hip, [_swing(thigh), _swing(-knee), flat], [THIGH, SHIN, FOOT_DEPTH], scale)
    bones = np.stack([pelvis, chest, head, *arms, *legs], axis=1)
    ankles = np.minimum(bones[:, BONES.index("foot_l"), 2, 3], bones[:, BONES.index("foot_r"), 2, 3])
    lift = np.where(saddle > 0, saddle, FOOT_DEPTH * scale - ankles)
    bones[..., 2, 3] += lift[:, None]
    return bones.astype(np.float32)
