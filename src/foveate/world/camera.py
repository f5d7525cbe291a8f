"""The camera: where it is, how points fall on its picture, standing still or carried by a walking person."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from foveate.world.errors import WorldError
from foveate.world.mesh import Floats

NEAR, FAR = 0.2, 600.0
"""Clipping distances, metres."""


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A pinhole camera. Raises `WorldError` on an empty picture, an impossible field of view, or numbers not finite."""

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
        if not np.isfinite([*self.position, self.yaw, self.pitch, self.roll]).all():
            raise WorldError(
                "a camera needs finite numbers of place and view, "
                f"got {self.position}, {self.yaw}, {self.pitch}, {self.roll}"
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
class Fixed:
    """A camera on a mast: it stands still but for a tremor in the wind."""

    position: tuple[float, float, float]
    """Metres."""
    yaw: float
    """Radians counter-clockwise from the +x direction."""
    pitch: float
    """Radians, up is positive."""
    field_of_view: float
    """Vertical, radians."""
    tremor: float = 0.0
    """Amplitude of the view's tremor, radians; 0 for a camera on a wall."""

    def at(self, time: float, *, size: tuple[int, int]) -> Camera:
        """The camera `time` seconds after the start, for pictures of `size` `(height, width)`."""
        sway, nod = np.sin(2 * np.pi * 0.31 * time), np.sin(2 * np.pi * 0.47 * time + 1)
        return Camera(
            position=self.position,
            yaw=float(self.yaw + self.tremor * sway),
            pitch=float(self.pitch + 0.6 * self.tremor * nod),
            roll=float(0.3 * self.tremor * nod),
            field_of_view=self.field_of_view,
            height=size[0],
            width=size[1],
        )


_TURN_S = 1.6
"""Half of the seconds that a walker takes to turn round."""


@dataclass(frozen=True, kw_only=True)
class Walk:
    """A camera carried along the street: steady pace, bob and sway of steps, slow wandering of the view.

    Where the street ends it turns round, by way of what it looks at, and walks back.
    """

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
    limit: float = 1e6
    """How far from the origin along its heading it turns round, metres."""

    def at(self, time: float, *, size: tuple[int, int]) -> Camera:
        """The camera `time` seconds after the start, for pictures of `size` `(height, width)`."""
        steps = 2 * np.pi * 1.8 * time
        travelled, turned = self._stroll(time)
        side, about = 0.8 * self.bob * np.sin(steps / 2), np.copysign((1 - np.cos(np.pi * turned)) / 2, self.gaze)
        gaze = np.pi * about + self.gaze * np.cos(np.pi * turned)
        c, s = np.cos(self.heading), np.sin(self.heading)
        slow = 2 * np.pi * time / self.wander_period
        return Camera(
            position=(
                float(self.start[0] + c * travelled - s * side),
                float(self.start[1] + s * travelled + c * side),
                float(self.start[2] + self.bob * np.sin(steps)),
            ),
            yaw=float(self.heading + gaze + self.wander * np.sin(slow) + 0.004 * np.sin(steps / 2)),
            pitch=float(self.pitch + 0.02 * np.sin(0.7 * slow) + 0.003 * np.sin(steps)),
            roll=float(0.006 * np.sin(steps / 2) + 0.006 * np.sin(0.6 * slow)),
            field_of_view=self.field_of_view,
            height=size[0],
            width=size[1],
        )

    def _stroll(self, time: float) -> tuple[float, float]:
        """Metres from the start along the heading, and how many times it has turned round."""
        start = float(np.cos(self.heading) * self.start[0] + np.sin(self.heading) * self.start[1])
        unturned = start + self.speed * time
        nearest = float(np.round((unturned - self.limit) / (2 * self.limit)))
        since = (unturned - self.limit * (1 + 2 * nearest)) / self.speed
        # Near a turn the pace follows a parabola: it slows down, stands and comes back.
        away = abs(since) if abs(since) > _TURN_S else (since**2 + _TURN_S**2) / (2 * _TURN_S)
        end = 1 if nearest % 2 == 0 else -1
        part = float(np.clip((since + _TURN_S) / (2 * _TURN_S), 0, 1))
        travelled = end * (self.limit - self.speed * away) - start
        return travelled, nearest + part * part * (3 - 2 * part)
