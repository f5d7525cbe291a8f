"""Uplink throughput and round-trip time from past offloads."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from foveate.core import InputError, LinkState, OffloadRecord

Averaging = Callable[[Sequence[float]], float]
"""Past values, the newest last, never empty -> the value to expect."""


def mean_of_two(values: Sequence[float]) -> float:
    """Mean of the two most recent (ViTMAlis, section IV-E)."""
    return float(np.mean(values[-2:]))


def harmonic_mean(values: Sequence[float]) -> float:
    """Harmonic mean of the five most recent: a slow one weighs most (Hyperion, section IV)."""
    recent = np.maximum(values[-5:], 1e-9)
    return float(len(recent) / np.sum(1 / recent))


def moving_average(values: Sequence[float]) -> float:
    """Exponentially weighted, the newest by a third."""
    average = values[0]
    for value in values[1:]:
        average += (value - average) / 3
    return float(average)


AVERAGES: Mapping[str, Averaging] = {"mean": mean_of_two, "harmonic": harmonic_mean, "ewma": moving_average}
"""Ways to expect a throughput or a round trip, by name."""


class LinkEstimator:
    """Remembers what recent offloads saw of the link."""

    def __init__(self, average: str = "mean") -> None:
        if average not in AVERAGES:
            raise InputError(f"unknown average {average!r}; known: {', '.join(AVERAGES)}")
        self._average = AVERAGES[average]
        self._throughput: deque[float] = deque(maxlen=32)
        self._rtt: deque[float] = deque(maxlen=32)

    def observe(self, record: OffloadRecord) -> None:
        """An offload ended; one that failed says nothing."""
        if not record.failed:
            self.observe_rate(record.throughput_bps, rtt_s=record.rtt_s)

    def observe_rate(self, throughput_bps: float, *, rtt_s: float) -> None:
        """The uplink was seen to carry so much, while a round trip took so long."""
        self._throughput.append(throughput_bps)
        self._rtt.append(rtt_s)

    def state(self) -> LinkState | None:
        """What to expect of the next offload; None before the first that succeeded."""
        if not self._throughput:
            return None
        return LinkState(throughput_bps=self._average(list(self._throughput)), rtt_s=self._average(list(self._rtt)))
