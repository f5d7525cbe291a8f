"""Times in which a link is cut, and a trace that is interrupted by them."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from foveate.core import InputError
from foveate.network.trace import UplinkTrace

_SYNTAX = "an outage is START:SECONDS, a start of 0 s or more and a length above 0 s"


@dataclass(frozen=True, kw_only=True)
class Outage:
    """Nothing passes for a while, in neither direction. Raises `InputError` unless it has a start and a length."""

    start_s: float
    """When the link is cut, seconds since its first byte; 0 or more."""
    seconds: float
    """For how long, seconds; above 0."""

    def __post_init__(self) -> None:
        if not (0 <= self.start_s < math.inf and 0 < self.seconds < math.inf):
            raise InputError(f"{_SYNTAX}, got {self.start_s:g}:{self.seconds:g}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """`START:SECONDS` -> an outage. Raises `InputError`."""
        start, _, seconds = text.partition(":")
        try:
            return cls(start_s=float(start), seconds=float(seconds))
        except ValueError as error:  # an InputError is one
            raise InputError(f"{_SYNTAX}, got {text!r}") from error

    @property
    def end_s(self) -> float:
        """When the link is whole again."""
        return self.start_s + self.seconds


class InterruptedTrace:
    """A trace whose clock runs on while the link is cut. All times `t` are seconds since it was started."""

    def __init__(self, trace: UplinkTrace, outages: Sequence[Outage] = ()) -> None:
        self._trace = trace
        cuts = _merged(outages)
        self._starts, self._ends = [start for start, _ in cuts], [end for _, end in cuts]

    def rate_at(self, t: float) -> float:
        """Bits per second at time `t`."""
        return 0.0 if self._end_of_cut(t) > t else self._trace.rate_at(t)

    def rtt_at(self, t: float) -> float:
        """Round-trip time of the trace at time `t`, seconds."""
        return self._trace.rtt_at(t)

    def bits_between(self, t0: float, t1: float) -> float:
        """Bits that the link can carry from `t0` to `t1 >= t0`."""
        bits = self._trace.bits_between(t0, t1)
        for start, end in zip(self._starts, self._ends, strict=True):
            if start < t1 and t0 < end:
                bits -= self._trace.bits_between(max(start, t0), min(end, t1))
        return bits

    def finish_at(self, start: float, nbytes: float) -> float:
        """When the last of `nbytes` has left that start leaving at `start`: the inverse of `bits_between`."""
        while True:
            start = self._end_of_cut(start)
            finish = self._trace.finish_at(start, nbytes)
            cut = bisect_right(self._starts, start)
            if cut == len(self._starts) or finish <= self._starts[cut]:
                return finish
            nbytes -= self._trace.bits_between(start, self._starts[cut]) / 8
            start = self._ends[cut]

    def arrival_at(self, departure: float) -> float:
        """When something arrives that departs at `departure`: half of the round trip that holds then.

        What a cut meets on its way is sent once more when the link is whole, in front of all that waits.
        """
        while True:
            departure = self._end_of_cut(departure)
            arrival = departure + self._trace.rtt_at(departure) / 2
            cut = bisect_right(self._starts, departure)
            if cut == len(self._starts) or arrival <= self._starts[cut]:
                return arrival
            departure = self._ends[cut]

    def _end_of_cut(self, t: float) -> float:
        """The end of the cut that holds `t`, or `t` itself."""
        before = bisect_right(self._starts, t) - 1
        return t if before < 0 else max(t, self._ends[before])


def _merged(outages: Sequence[Outage]) -> list[tuple[float, float]]:
    """Starts and ends in order, those that touch as one."""
    cuts: list[tuple[float, float]] = []
    for outage in sorted(outages, key=lambda outage: outage.start_s):
        if cuts and outage.start_s <= cuts[-1][1]:
            cuts[-1] = cuts[-1][0], max(cuts[-1][1], outage.end_s)
        else:
            cuts.append((outage.start_s, outage.end_s))
    return cuts
