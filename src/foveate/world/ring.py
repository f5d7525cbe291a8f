"""A closed way of straights and quarter bends: where a place in street coordinates lies in the world.

Street coordinates are metres along the middle line and metres to its left. Whoever keeps one distance from the middle
line goes round for ever without crossing anybody who keeps another.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foveate.world.errors import WorldError
from foveate.world.mesh import Floats, Mesh, rotation_z


@dataclass(frozen=True, kw_only=True)
class Ring:
    """A polygon with rounded corners. Raises `WorldError` where a side is too short for its bends."""

    corners: tuple[tuple[float, float], ...]
    """Corners of the middle line before rounding, metres."""
    radius: float
    """Radius of the bends on the middle line, metres."""

    def __post_init__(self) -> None:
        if len(self.corners) < 3 or self.radius <= 0 or self._straights.min() <= 0:
            raise WorldError(f"a ring needs three corners or more and sides longer than its bends, got {self}")

    @cached_property
    def _sides(self) -> Floats:
        points = np.asarray(self.corners, np.float64)
        return np.asarray(np.roll(points, -1, axis=0) - points)

    @cached_property
    def _angles(self) -> Floats:
        """`(K,)`: turn at the end of each side, radians, positive to the left."""
        bearing = np.arctan2(self._sides[:, 1], self._sides[:, 0])
        return np.asarray((np.roll(bearing, -1) - bearing + np.pi) % (2 * np.pi) - np.pi)

    @cached_property
    def _straights(self) -> Floats:
        """`(K,)`: what the bends leave of each side, metres."""
        cut = self.radius * np.tan(np.abs(self._angles) / 2)
        return np.asarray(np.linalg.norm(self._sides, axis=1) - cut - np.roll(cut, 1))

    @cached_property
    def turns(self) -> Floats:
        """`(2 K,)`: by how much each piece turns to the left, radians; straights and bends take turns."""
        return np.stack([np.zeros_like(self._angles), self._angles], axis=1).ravel()

    @cached_property
    def lengths(self) -> Floats:
        """`(2 K,)`: length of each piece on the middle line, metres."""
        return np.stack([self._straights, self.radius * np.abs(self._angles)], axis=1).ravel()

    @cached_property
    def starts(self) -> Floats:
        """`(2 K,)`: where each piece begins, metres along the middle line."""
        return np.concatenate([[0.0], np.cumsum(self.lengths)[:-1]])

    @cached_property
    def _poses(self) -> Floats:
        """`(2 K, 3)`: x, y and heading at the start of each piece."""
        unit = self._sides / np.linalg.norm(self._sides, axis=1, keepdims=True)
        bearing = np.arctan2(unit[:, 1], unit[:, 0])
        cut = (self.radius * np.tan(np.abs(self._angles) / 2))[:, None]
        corners = np.asarray(self.corners, np.float64)
        first, last = corners + unit * np.roll(cut, 1, axis=0), np.roll(corners, -1, axis=0) - unit * cut
        both = np.stack([np.column_stack([first, bearing]), np.column_stack([last, bearing])], axis=1)
        return both.reshape(-1, 3)

    @property
    def length(self) -> float:
        """Of the middle line, metres."""
        return float(self.lengths.sum())

    def length_at(self, side: float) -> float:
        """Length of the way that keeps `side` metres to the left of the middle line."""
        return float(self.lengths.sum() - side * self.turns.sum())

    def _piece(self, along: Floats) -> tuple[NDArray[np.integer[Any]], Floats]:
        """Number of the piece and metres from its start."""
        wrapped = np.mod(along, self.length)
        piece = np.clip(np.searchsorted(self.starts, wrapped, side="right") - 1, 0, len(self.starts) - 1)
        return piece, wrapped - self.starts[piece]

    def curvature(self, along: ArrayLike) -> Floats:
        """Turn to the left for each metre of the middle line, radians."""
        piece, _ = self._piece(np.asarray(along, np.float64))
        return np.asarray(self.turns[piece] / self.lengths[piece])

    def place(self, along: ArrayLike, side: ArrayLike) -> tuple[Floats, Floats]:
        """`(..., 2)` world places and `(...)` headings of the street at `along`, `side` metres to its left."""
        piece, rest = self._piece(np.asarray(along, np.float64))
        x, y, start = np.moveaxis(self._poses[piece], -1, 0)
        bend = self.turns[piece] / self.lengths[piece]
        heading = start + bend * rest
        straight, safe = bend == 0, np.where(bend == 0, 1.0, bend)
        x = x + np.where(straight, np.cos(start) * rest, (np.sin(heading) - np.sin(start)) / safe)
        y = y + np.where(straight, np.sin(start) * rest, (np.cos(start) - np.cos(heading)) / safe)
        at = np.stack([x - np.sin(heading) * side, y + np.cos(heading) * side], axis=-1)
        return at, np.asarray(heading)

    def middle(self, own: Floats, side: Floats) -> Floats:
        """Metres along the middle line for `own` `(N,)` metres along the ways that keep `side` `(N,)`."""
        lengths = self.lengths[None] - side[:, None] * self.turns[None]
        ends = np.cumsum(lengths, axis=1)
        wrapped = np.mod(own, ends[:, -1])
        piece = np.minimum((ends <= wrapped[:, None]).sum(axis=1), lengths.shape[1] - 1)
        rows = np.arange(len(own))
        rest = wrapped - (ends[rows, piece] - lengths[rows, piece])
        return np.asarray(self.starts[piece] + rest * self.lengths[piece] / lengths[rows, piece])

    def straight(self, along: ArrayLike, margin: float) -> Floats:
        """Whether `along` lies on a straight, at least `margin` metres from its ends."""
        piece, rest = self._piece(np.asarray(along, np.float64))
        inside = (rest > margin) & (rest < self.lengths[piece] - margin)
        return np.asarray((self.turns[piece] == 0) & inside)

    def set_down(self, mesh: Mesh, x: float | None = None) -> Mesh:
        """`mesh` of the straight street, carried as a whole to where the street's `x` lies, by default its middle."""
        if x is None:
            x = float((mesh.points[:, 0].min() + mesh.points[:, 0].max()) / 2)
        at, heading = self.place(x, 0.0)
        turn = rotation_z(float(heading))
        shift = np.array([*at, 0.0]) - turn @ np.array([x, 0.0, 0.0])
        return mesh.turned(turn, by=shift)
