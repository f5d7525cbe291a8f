"""The camera: where it is, how points fall on its picture, and how a walking person carries it."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from foveate.world.errors import WorldError
from foveate.world.mesh import Floats

NEAR, FAR = 0.2, 600.0
"""Clipping distances, metres."""


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A pinhole camera. Raises `WorldError` on an empty picture or an impossible field of view."""

    position: tuple[float, float, float]
    """Metres."""
    yaw: float
    """Radians counter-clockwise from the +x direction."""
    pitch: float
    """Radians, up is positive."""
    roll: float
    """Radians, clockwise as the viewer sees the camera turn."""
    field_of_view: float
    """Vertical, radians."""
    height: int
    """Pixels."""
    width: int
    """Pixels."""

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1 or not 0 < self.field_of_view < np.pi:
            raise WorldError(
                f"a camera needs a picture and a view, got {self.height}x{self.width}, {self.field_of_view:.2f} rad"
            )

    @property
    def focal(self) -> float:
        """Focal length in pixels."""
        return float(self.height / 2 / np.tan(self.field_of_view / 2))

    @property
    def axes(self) -> tuple[Floats, Floats, Floats]:
        """Unit vectors to the right, up and forwards of the picture."""
        c, s, p, q = np.cos(self.yaw), np.sin(self.yaw), np.cos(self.pitch), np.sin(self.pitch)
        forward = np.array([c * p, s * p, q], np.float32)
        level = np.array([s, -c, 0], np.float32)
        above = np.cross(level, forward)
        turn = np.cos(self.roll), np.sin(self.roll)
        right = turn[0] * level - turn[1] * above
        up = turn[1] * level + turn[0] * above
        return right.astype(np.float32), up.astype(np.float32), forward

    def project(self, points: Floats) -> Floats:
        """`(V, 3)` of x and y in pixels from the upper left corner, and distance along the view in metres.

        Points nearer than `NEAR` are put at `NEAR`; their distance keeps its sign.
        """
        right, up, forward = self.axes
        local = (points - np.asarray(self.position, np.float32)) @ np.stack([right, -up, forward], axis=1)
        depth = np.maximum(local[:, 2:], NEAR)
        plane = local[:, :2] * (self.focal / depth) + np.array([self.width / 2, self.height / 2])
        return np.concatenate([plane, local[:, 2:]], axis=1).astype(np.float32)


class CameraPath(Protocol):
    """How a camera moves: where it is at any time."""

    def at(self, time: float, *, size: tuple[int, int]) -> Camera:
        """The camera `time` seconds after the start, for pictures of `size` `(height, width)`."""


@dataclass(frozen=True, kw_only=True)
class Walk:
    """A camera carried along the street: steady pace, bob and sway of steps, slow wandering of the view."""

    start: tuple[float, float, float]
    """Position at time 0, metres; z is the height of the camera."""
    heading: float
    """Direction of travel, radians."""
    speed: float
    """Metres a second."""
    gaze: float
    """Mean yaw of the view against the heading, radians."""
    wander: float
    """Amplitude of the wandering yaw, radians."""
    wander_period: float
    """Seconds."""
    pitch: float
    """Radians."""
    bob: float
    """Amplitude of the vertical bob, metres."""
    field_of_view: float
    """Vertical, radians."""

    def at(self, time: float, *, size: tuple[int, int]) -> Camera:
        """The camera `time` seconds after the start, for pictures of `size` `(height, width)`."""
        steps = 2 * np.pi * 1.8 * time
        travelled, side = self.speed * time, 0.8 * self.bob * np.sin(steps / 2)
        c, s = np.cos(self.heading), np.sin(self.heading)
        slow = 2 * np.pi * time / self.wander_period
        return Camera(
            position=(
                float(self.start[0] + c * travelled - s * side),
                float(self.start[1] + s * travelled + c * side),
                float(self.start[2] + self.bob * np.sin(steps)),
            ),
            yaw=float(self.heading + self.gaze + self.wander * np.sin(slow) + 0.004 * np.sin(steps / 2)),
            pitch=float(self.pitch + 0.02 * np.sin(0.7 * slow) + 0.003 * np.sin(steps)),
            roll=float(0.006 * np.sin(steps / 2) + 0.006 * np.sin(0.6 * slow)),
            field_of_view=self.field_of_view,
            height=size[0],
            width=size[1],
        )
