"""One cell: a simulated run of Ask the Expert, described by values alone, and the key of its result."""

import hashlib
from typing import Any, Self

import msgspec

from foveate.core import ExpertCard, PowerModel, SampleTimes
from foveate.evaluation.experts.experiment import NamedLink
from foveate.evaluation.experts.study import Chosen
from foveate.evaluation.lab.cell import Model
from foveate.policies import policy_parameters, router_by_name

VERSION = 1
"""Of results; raised whenever simulation or scoring changes what comes out."""


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A link as a cell knows it."""

    group: str
    variation: str
    recording: str
    name: str
    """Of the trace."""
    start: int
    """Number of the start in the trace."""
    rtt_s: float
    """At the start."""
    transport: str
    sha256: str
    """Digest of rates, round trips and outages from where the run starts."""

    @classmethod
    def of(cls, named: NamedLink) -> Self:
        """With its digest."""
        link, trace = named.link, named.link.trace
        found = hashlib.sha256(msgspec.json.encode([trace.step_s, trace.offset_s, link.outages]))
        for values in (trace.bps, trace.rtt_s):
            found.update(values.tobytes())
        return cls(
            group=named.group,
            variation=named.variation,
            recording=named.recording,
            name=trace.name,
            start=named.start,
            rtt_s=trace.rtt_at(0.0),
            transport=link.transport,
            sha256=found.hexdigest(),
        )


class ExpertsCell(msgspec.Struct, frozen=True, kw_only=True):
    """A simulated run. What comes out depends on nothing else."""

    training: str
    """What tables call it."""
    pictures: str
    """Digest of the pictures of the table."""
    coding: str
    contender: str
    """What tables call it."""
    device: Model
    """The model there."""
    experts: tuple[Model, ...]
    """The models on the server."""
    cards: tuple[ExpertCard, ...]
    """What the device knows of each."""
    router: str
    """`NAME[:parameter=value,...]`."""
    chosen: Chosen
    link: Link
    speed: float
    """The device takes so many times the server's time for an expert."""
    times: SampleTimes
    """With such a device."""
    power: PowerModel
    other_power: PowerModel
    rate_hz: float
    samples: int
    seed: int
    table: str
    """`main`, `equal` or `map`."""
    rival: str = ""
    """In `equal`: at whose accuracy."""

    @property
    def key(self) -> str:
        """Of the content alone: where files lie and what rows are called does not matter."""
        router = router_by_name(self.router)
        content = [
            VERSION,
            [self.pictures, self.coding],
            [self.device.weights_hash, [model.weights_hash for model in self.experts], self.cards],
            [router.name, policy_parameters(router), self.chosen],
            [self.link.sha256, self.link.transport],
            [self.times, self.power, self.other_power],
            [self.rate_hz, self.samples, self.link.start, self.seed],
        ]
        return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()[:24]

    @property
    def place(self) -> tuple[Any, ...]:
        """What all contenders and trainings share: cells of one link, and of one speed of the device."""
        link = self.link
        return link.group, link.variation, link.name, link.recording, link.start, link.rtt_s, self.speed

    @property
    def described(self) -> dict[str, Any]:
        """What stands beside the figures of a row."""
        return {
            "seed": self.training,
            "table": self.table,
            "contender": self.contender,
            "rival": self.rival,
            "threshold": getattr(router_by_name(self.router), "threshold", None),
            "group": self.link.group,
            "variation": self.link.variation,
            "link": self.link.name,
            "recording": self.link.recording,
            "start": self.link.start,
            "rtt_s": self.link.rtt_s,
            "speed": self.speed,
        }

    def __str__(self) -> str:
        """For progress and error messages."""
        where = " ".join(word for word in (self.link.group, self.link.variation, self.link.name) if word)
        return f"{self.contender} of {self.training} on {where}, start {self.link.start}, {self.table}"
