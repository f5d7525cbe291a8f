"""A camera on the handlebar of a bicycle that goes round a circuit at the edge of the road."""

from dataclasses import dataclass

import numpy as np

from foveate.world.camera import Camera
from foveate.world.circuit import Circuit
from foveate.world.flow import Flow, random_flow, weighted

_AHEAD = np.linspace(-0.4, 0.9, 27)
"""Seconds over which the view is averaged: handlebars turn into a bend before the bicycle does."""
_SHOCKS = (5.3, 7.9, 11.2)
"""Frequencies at which the road shakes a bicycle, hertz."""


@dataclass(frozen=True, kw_only=True)
class Ride:
    """A camera on a bicycle: it sways with the pedals, leans into bends and is shaken by the road."""

    flow: Flow
    """The line it keeps and its speeds; the camera passes the start of the ring at time 0."""
    height: float
    """Metres above the road."""
    gaze: float
    """Mean yaw of the view against the heading, radians."""
    pitch: float
    """Radians."""
    cadence: float
    """Turns of the pedals a second."""
    sway: float
    """Amplitude of the handlebar's swing, radians."""
    shock: float
    """Amplitude of the road's shocks, metres."""
    field_of_view: float
    """Vertical, radians."""

    def at(self, time: float, *, size: tuple[int, int]) -> Camera:
        """The camera `time` seconds after the start, for pictures of `size` `(height, width)`."""
        pedal, shake = 2 * np.pi * self.cadence * time, self._shake(time)
        weave = 0.05 * np.sin(2 * np.pi * 0.23 * time) + 0.02 * np.sin(pedal)
        at, _ = self.flow.place(time, self.flow.side + weave)
        places, headings = self.flow.place(time + _AHEAD, self.flow.side)
        headings, span = np.unwrap(headings), float(np.ptp(_AHEAD))
        speed = float(np.linalg.norm(places[-1] - places[0])) / span
        # A rider leans so that weight and turn balance; the picture leans with the bars, not quite as far.
        lean = 0.6 * np.arctan((headings[-1] - headings[0]) / span * speed / 9.81)
        return Camera(
            position=(float(at[0]), float(at[1]), float(self.height - 0.3 * abs(lean) + self.shock * shake)),
            yaw=float(weighted(headings) + self.gaze + self.sway * np.sin(pedal) + 0.02 * np.sin(0.31 * time)),
            pitch=float(self.pitch + 0.3 * self.shock * shake + 0.002 * np.sin(2 * pedal)),
            roll=float(-lean + 0.6 * self.sway * np.sin(pedal + 0.5)),
            field_of_view=self.field_of_view,
            height=size[0],
            width=size[1],
        )

    def _shake(self, time: float) -> float:
        """-1..1: always a little, now and then a rough patch."""
        patch = np.clip(np.sin(2 * np.pi * 0.071 * time) + np.sin(2 * np.pi * 0.183 * time + 1) - 0.8, 0, 1)
        waves = [np.sin(2 * np.pi * rate * time + k) for k, rate in enumerate(_SHOCKS)]
        return float((0.25 + 0.75 * patch) * np.mean(waves))


def random_ride(circuit: Circuit, rng: np.random.Generator) -> Ride:
    """A ride at 4 to 7 metres a second along the right edge of the road."""
    # Beside parked cars a cyclist keeps clear of their doors.
    inset = float(rng.uniform(0.3, 0.4)) + 0.15 * (circuit.plan.parking > 0)
    edge = inset - circuit.plan.lanes * circuit.plan.lane / 2
    return Ride(
        flow=random_flow(circuit.ring, rng, side=edge, forward=True, cruise=(4.8, 7.0), corner=4.4),
        height=float(rng.uniform(1.0, 1.55)),
        gaze=float(rng.uniform(0.0, 0.16)),
        pitch=float(rng.uniform(-0.07, 0.0)),
        cadence=float(rng.uniform(1.0, 1.4)),
        sway=float(rng.uniform(0.008, 0.02)),
        shock=float(rng.uniform(0.008, 0.02)),
        field_of_view=float(np.radians(rng.uniform(40, 54))),
    )
