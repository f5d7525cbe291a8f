"""What a run of Ask the Expert is made of, live or simulated."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from foveate.core import ExpertCard, InputError, PowerModel, SampleTimes
from foveate.device.sample_session import DeviceSettings
from foveate.network import LinkSettings
from foveate.server.expert_session import Batching

CHANGES = ("add", "remove", "die")


@dataclass(frozen=True, kw_only=True)
class Change:
    """Something that happens to an expert while samples arrive."""

    at_s: float
    """Seconds since the first sample."""
    kind: str
    """`add` (also: replace the one of that name), `remove`, or `die`."""
    expert: str

    @classmethod
    def parse(cls, text: str) -> "Change":
        """`SECONDS:KIND:NAME`. Raises `InputError` on any other form."""
        at, _, rest = text.partition(":")
        kind, _, name = rest.partition(":")
        try:
            seconds = float(at)
        except ValueError:
            seconds = -1.0
        if not 0 <= seconds < float("inf") or kind not in CHANGES or not name:
            raise InputError(f"a change is SECONDS:KIND:NAME with a kind of {', '.join(CHANGES)}, got {text!r}")
        return cls(at_s=seconds, kind=kind, expert=name)


@dataclass(frozen=True, kw_only=True, eq=False)
class Stream:
    """Samples and who may answer them. Raises `InputError` for a rate of 0 or rows of unequal length."""

    labels: NDArray[np.int64]
    """`(n,)`, in the order in which samples arrive."""
    payloads: tuple[bytes, ...]
    """Their compressed pictures."""
    generalist: NDArray[np.float32]
    """What it says about each, `(n, classes)`."""
    experts: dict[str, NDArray[np.float32]]
    """What each expert says about each decoded picture."""
    cards: tuple[ExpertCard, ...]
    """Of the experts that are there at the start."""
    rate_hz: float
    """Samples a second, evenly."""
    changes: tuple[Change, ...] = ()
    spare: dict[str, ExpertCard] = field(default_factory=dict)
    """Cards of experts that are added later."""

    def __post_init__(self) -> None:
        rows = {len(self.labels), len(self.payloads), len(self.generalist), *map(len, self.experts.values())}
        if len(rows) != 1 or not 0 < self.rate_hz < float("inf"):
            raise InputError(
                f"rows of one length and a positive rate are required, got {sorted(rows)}, {self.rate_hz:g}"
            )

    def arrives_at(self, sample: int) -> float:
        """Seconds since the first sample."""
        return sample / self.rate_hz


@dataclass(frozen=True, kw_only=True, eq=False)
class Conditions:
    """Device, network and server of a run."""

    settings: DeviceSettings
    link: LinkSettings
    times: SampleTimes
    power: PowerModel
    batching: Batching = field(default_factory=Batching)
