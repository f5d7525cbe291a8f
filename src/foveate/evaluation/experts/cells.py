"""The cells of `experts-overall`: who runs on which link, at which threshold, on a device of which speed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from foveate.core import PowerModel, SampleTimes
from foveate.evaluation.experts.contenders import OURS, Contender
from foveate.evaluation.experts.figures import run_figures, stretches
from foveate.evaluation.experts.models import Outputs, SentPictures
from foveate.evaluation.experts.run import device_settings
from foveate.evaluation.experts.simulate import simulate_experts
from foveate.evaluation.experts.stream import Conditions
from foveate.network import LinkSettings, UplinkTrace
from foveate.policies import Router

SPEEDS = (2.0, 5.0, 10.0, 20.0, 50.0)
RTTS_S = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06)
"""Ratios of speed and round trips of the map of where routing wins."""
ON_THE_MAP = ("edge only", "near-edge only: expert-sized", "ours")
"""How labels of rows on the map begin."""
UNHURRIED = 0.5
"""Share of its time that the slowest device of the map computes at most."""


@dataclass(frozen=True, kw_only=True, eq=False)
class NamedLink:
    """A link of the table."""

    group: str
    """`4g`, `5g` or `lan`."""
    link: LinkSettings
    variation: str = ""
    """What differs from the links of the main table: `tcp`, `paper range`; empty: nothing."""
    recording: str = ""
    """Traces that share a recording share this name."""
    start: int = 0
    """Number of the start in the trace; it draws the pictures too."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Bench:
    """What all cells share."""

    times: SampleTimes
    power: PowerModel
    other_power: PowerModel
    rate_hz: float
    samples: int
    seed: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Cell:
    """One simulation."""

    contender: Contender
    router: Router
    link: NamedLink
    speed: float
    """The device takes so many times the server's time for an expert."""
    table: str
    """`main`, `equal` or `map`."""
    rival: str = ""
    """In `equal`: at whose accuracy."""

    @property
    def described(self) -> dict[str, Any]:
        """What stands beside the figures of a row."""
        return {
            "table": self.table,
            "contender": self.contender.label,
            "rival": self.rival,
            "threshold": getattr(self.router, "threshold", None),
            "group": self.link.group,
            "variation": self.link.variation,
            "link": self.link.link.trace.name,
            "recording": self.link.recording,
            "start": self.link.start,
            "rtt_s": self.link.link.trace.rtt_at(0.0),
            "speed": self.speed,
        }

    def run(self, bench: Bench, sent: SentPictures, outputs: Outputs) -> dict[str, Any]:
        """Figures, and means of stretches of the run."""
        drawn = np.random.default_rng((bench.seed, 29, self.link.start)).permutation(len(sent.images))
        times = self.contender.times(bench.times, slower=self.speed)
        rate_hz = bench.rate_hz
        if self.table == "map":  # a device that cannot keep up would show its queue, not the choice
            rate_hz = min(rate_hz, UNHURRIED / times.expert_on_device_s)
        stream = self.contender.stream(sent, outputs, drawn[: bench.samples], rate_hz)
        conditions = Conditions(
            settings=device_settings(self.contender.choices, self.router, seed=bench.seed),
            link=self.link.link,
            times=times,
            power=bench.power,
        )
        records = simulate_experts(stream, conditions)
        parts = stretches(records, bench.power, bench.other_power)
        return {**run_figures(records, bench.power, stream.cards), "stretches": parts}


def cells_of(
    contenders: Sequence[Contender],
    links: Sequence[NamedLink],
    *,
    speed: float,
    equal: Mapping[str, float],
) -> Iterator[Cell]:
    """All cells of one training. `equal`: threshold of ours at the accuracy of each row that it reaches."""
    ours = next(contender for contender in contenders if contender.label == OURS)
    for link in links:
        for contender in contenders:
            yield Cell(contender=contender, router=contender.router, link=link, speed=speed, table="main")
        for rival, threshold in equal.items():
            router = replace(ours.router, threshold=threshold)  # type: ignore[type-var]
            yield Cell(contender=ours, router=router, link=link, speed=speed, table="equal", rival=rival)
    for speed_there, link in map_points():
        for contender in (c for c in contenders if c.label.startswith(ON_THE_MAP)):
            yield Cell(contender=contender, router=contender.router, link=link, speed=speed_there, table="map")


def map_points() -> list[tuple[float, NamedLink]]:
    """Speeds and round trips, on a steady 20 Mbit/s."""
    return [
        (speed, NamedLink(group="steady", link=LinkSettings(trace=UplinkTrace.constant(20e6, rtt_s, 10.0))))
        for speed in SPEEDS
        for rtt_s in RTTS_S
    ]
