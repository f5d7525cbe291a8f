"""A camera behind the windscreen of a car that goes round a circuit with the traffic."""

from dataclasses import dataclass

import numpy as np

from foveate.world.camera import Camera
from foveate.world.circuit import Circuit
from foveate.world.flow import Flow, random_flow, weighted
from foveate.world.traffic import lane_of

_AHEAD = np.linspace(-0.5, 1.1, 33)
"""Seconds over which the view is averaged: a driver looks into the bend, and a car does not turn at once."""


@dataclass(frozen=True, kw_only=True)
class Drive:
    """A camera in a car: it keeps to its lane's flow, looks into bends, leans out of them, dives and bobs a little."""

    flow: Flow
    """The lane; the camera passes the start of the ring at time 0."""
    height: float
    """Metres above the road."""
    gaze: float
    """Mean yaw of the view against the heading, radians."""
    pitch: float
    """Radians."""
    bob: float
    """Amplitude of the vertical bob, metres."""
    field_of_view: float
    """Vertical, radians."""

    def at(self, time: float, *, size: tuple[int, int]) -> Camera:
        """The camera `time` seconds after the start, for pictures of `size` `(height, width)`."""
        at, _ = self.flow.place(time, self.flow.side)
        heading, yaw_rate, speed, gain = self._motion(time)
        low, high = np.sin(2 * np.pi * 1.1 * time + 0.4), np.sin(2 * np.pi * 6.3 * time)
        rough = 0.25 * np.sin(2 * np.pi * 0.13 * time) ** 2 * high
        return Camera(
            position=(float(at[0]), float(at[1]), float(self.height + self.bob * (low + rough))),
            yaw=float(heading + self.gaze + 0.002 * np.sin(2 * np.pi * 0.21 * time)),
            pitch=float(self.pitch + 0.003 * gain + 0.0015 * low + 0.001 * rough),
            roll=float(-0.008 * np.clip(yaw_rate * speed, -4, 4) + 0.0015 * np.sin(2 * np.pi * 0.7 * time)),
            field_of_view=self.field_of_view,
            height=size[0],
            width=size[1],
        )

    def _motion(self, time: float) -> tuple[float, float, float, float]:
        """Heading, turn rate to the left, speed and gain of speed, averaged over `_AHEAD`."""
        at, heading = self.flow.place(time + _AHEAD, self.flow.side)
        heading = np.unwrap(heading)
        steps = np.linalg.norm(np.diff(at, axis=0), axis=1) / np.diff(_AHEAD)
        half = len(steps) // 2
        gain = (steps[half:].mean() - steps[:half].mean()) / (float(np.ptp(_AHEAD)) / 2)
        rate = (heading[-1] - heading[0]) / float(np.ptp(_AHEAD))
        return weighted(heading), float(rate), float(steps.mean()), float(gain)


def random_drive(circuit: Circuit, rng: np.random.Generator) -> Drive:
    """A drive at 7 to 14 metres a second in a lane that leads round the ring."""
    own = [lane for lane in range(circuit.plan.lanes) if lane_of(circuit.plan, lane)[1] == 0]
    side, _ = lane_of(circuit.plan, int(rng.choice(own)))
    flow = random_flow(circuit.ring, rng, side=side, forward=True, cruise=(9.5, 14.0), corner=7.2)
    return Drive(
        flow=flow,
        height=float(rng.uniform(1.2, 1.6)),
        gaze=float(rng.normal(0, 0.02)),
        pitch=float(rng.uniform(-0.05, -0.005)),
        bob=float(rng.uniform(0.006, 0.015)),
        field_of_view=float(np.radians(rng.uniform(38, 52))),
    )
