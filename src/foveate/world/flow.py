"""How the vehicles of one lane go round a ring: one speed for each place, so that nobody runs into anybody.

All that follow a flow drive the same way through time, each some seconds behind another: where the road bends all slow
down, and their distances shrink and grow as they do in traffic, but never to nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from foveate.world.errors import WorldError
from foveate.world.mesh import Floats
from foveate.world.ring import Ring

_ACCELERATION = 1.8
"""Metres a second squared, speeding up and braking."""


@dataclass(frozen=True, kw_only=True)
class Flow:
    """A lane of a ring and the speed at each place of it. Raises `WorldError` unless all speeds are positive."""

    ring: Ring
    side: float
    """Metres to the left of the middle line."""
    forward: bool
    """Whether it runs with the ring or against it."""
    speeds: tuple[float, ...]
    """Metres a second, at equal steps along the middle line from its start."""

    def __post_init__(self) -> None:
        if len(self.speeds) < 2 or min(self.speeds) <= 0:
            raise WorldError("a flow needs two speeds or more, all of them positive")

    @cached_property
    def _times(self) -> Floats:
        """Seconds from the start of the ring to the end of each step."""
        step = self.ring.length / len(self.speeds)
        places = step * (np.arange(len(self.speeds)) + 0.5)
        own = step * (1 - self.side * self.ring.curvature(places))
        speeds = np.asarray(self.speeds)
        mean = (speeds + np.roll(speeds, -1)) / 2
        return np.concatenate([[0.0], np.cumsum(own / mean)])

    @property
    def lap_s(self) -> float:
        """Seconds for one round."""
        return float(self._times[-1])

    @property
    def slowest(self) -> float:
        """Metres a second."""
        return min(self.speeds)

    def along(self, time: ArrayLike) -> Floats:
        """Metres along the middle line, `time` seconds after passing its start; later rounds go on counting."""
        signed = np.asarray(time, np.float64) * (1 if self.forward else -1)
        lap, rest = np.divmod(signed, self.lap_s)
        marks = np.linspace(0, self.ring.length, len(self._times))
        return np.asarray(lap * self.ring.length + np.interp(rest, self._times, marks))

    def place(self, time: ArrayLike, side: ArrayLike) -> tuple[Floats, Floats]:
        """`(..., 2)` world places and `(...)` headings of who passed the start `time` seconds ago."""
        at, heading = self.ring.place(self.along(time), side)
        return at, heading if self.forward else heading + np.pi


def random_flow(
    ring: Ring, rng: np.random.Generator, *, side: float, forward: bool, cruise: tuple[float, float], corner: float
) -> Flow:
    """Another cruising speed on every straight, slow bends, and what acceleration allows between them.

    `cruise` is the range of cruising speeds and `corner` the speed in bends, metres a second.
    """
    count = round(ring.length)
    places = ring.length / count * np.arange(count)
    chosen = np.repeat(rng.uniform(*cruise, len(ring.lengths) // 2), 2)
    piece = np.searchsorted(ring.starts, places, side="right") - 1
    wanted = np.where(ring.turns[piece] == 0, chosen[piece], min(corner, cruise[1]))
    return Flow(ring=ring, side=side, forward=forward, speeds=tuple(_reachable(wanted, ring.length / count)))


def _reachable(wanted: Floats, step: float) -> Sequence[float]:
    """The greatest speeds under `wanted` that neither speed up nor brake too hard; the ring is closed."""
    speeds = np.square(np.concatenate([wanted, wanted]))
    gain = 2 * _ACCELERATION * step
    for k in range(1, len(speeds)):
        speeds[k] = min(speeds[k], speeds[k - 1] + gain)
    for k in range(len(speeds) - 2, -1, -1):
        speeds[k] = min(speeds[k], speeds[k + 1] + gain)
    # Of two rounds the start of the second and the end of the first have seen all that limits them.
    half = len(wanted) // 2
    round_ = np.concatenate([speeds[len(wanted) : len(wanted) + half], speeds[half : len(wanted)]])
    return [float(v) for v in np.sqrt(round_)]


def weighted(values: Floats) -> float:
    """The mean of values about a moment, most of it from the middle ones."""
    weights = np.hanning(len(values) + 2)[1:-1]
    return float(values @ weights / weights.sum())
