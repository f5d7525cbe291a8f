"""Uplink capacity over time, as somebody measured it: a piecewise constant rate that repeats for ever."""

import math
from bisect import bisect_left
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from foveate.core import InputError
from foveate.network.trace_files import MAHIMAHI_RTT_S, read_steps

MAX_RTT_S = 0.5
"""Round trips are clipped here: longer pings in the recordings are outages, which the rate already shows."""

LATEST_START_S = 1e9
"""Largest offset; from there on floats tell no more than a tenth of a microsecond."""

_SLACK_BITS = 1e-3
"""Rounding of cumulative sums, far below one bit: it must not push a finish across an outage."""
_LEAST_BITS = 10 * _SLACK_BITS
"""Of one period: less could not be told from rounding."""


@dataclass(frozen=True, kw_only=True, eq=False)
class UplinkTrace:
    """Uplink rate and round-trip time per step of `step_s`; after the last step the first one follows again.

    All times `t` are seconds since the trace was started, 0 or more. Raises `InputError` on arrays that are empty,
    unequal in length, negative or not finite, and on a trace that carries next to nothing or more than a number can
    hold.
    """

    name: str
    """What reports call it."""
    bps: NDArray[np.float64]
    """`(n,)` bits per second during each step."""
    rtt_s: NDArray[np.float64]
    """`(n,)` round-trip time during each step, seconds, as recorded."""
    step_s: float = 0.1
    """Length of one step, seconds."""
    offset_s: float = 0.0
    """Where in the recording the trace starts, seconds; wraps like any other time."""
    _carried: list[float] = field(init=False, repr=False)  # a list: it is searched by single numbers
    """n + 1 sums: bits carried from the recording's first step to the start of each, and to its end."""

    def __post_init__(self) -> None:
        bps, rtt_s = (np.asarray(values, np.float64) for values in (self.bps, self.rtt_s))
        if bps.ndim != 1 or bps.shape != rtt_s.shape or not len(bps):
            raise InputError(f"a trace needs as many rates as round trips, got {bps.shape} and {rtt_s.shape}")
        for what, values in (("rates", bps), ("round-trip times", rtt_s)):
            if not np.isfinite(values).all() or values.min() < 0:
                raise InputError(f"{what} of a trace must be finite and not negative")
        if not bps.any():
            raise InputError("a trace must carry something: every rate is 0")
        if not (0 < self.step_s < math.inf and 0 <= self.offset_s <= LATEST_START_S):
            raise InputError(
                f"a trace needs a step above 0 s and an offset of 0 to {LATEST_START_S:g} s, "
                f"got {self.step_s:g} and {self.offset_s:g} s"
            )
        with np.errstate(over="ignore"):
            carried = [0.0, *np.cumsum(bps * self.step_s).tolist()]
        if not _LEAST_BITS <= carried[-1] < math.inf:
            raise InputError(f"a trace must carry {_LEAST_BITS:g} bits at least until it repeats, got {carried[-1]:g}")
        object.__setattr__(self, "bps", bps)
        object.__setattr__(self, "rtt_s", rtt_s)
        object.__setattr__(self, "_carried", carried)

    @classmethod
    def load(cls, path: str | Path, *, rtt_s: float | None = None, offset_s: float = 0.0) -> Self:
        """Read a CSV file (`t_s,uplink_mbps,rtt_ms`) or, by its suffix `.up`, a mahimahi file.

        `rtt_s` (40 ms if None) is that of a mahimahi file, which holds none. Raises `MediaError` that names the file
        and, where one is bad, the line; `InputError` where every rate is 0, on `rtt_s` beside a CSV file, or above 0.5.
        """
        path = Path(path)
        if rtt_s is not None and path.suffix != ".up":
            raise InputError(f"only a mahimahi file (.up) needs a round-trip time, {path} has its own")
        _check_asked(rtt_s)
        bps, rtt, step_s = read_steps(path, rtt_s=MAHIMAHI_RTT_S if rtt_s is None else rtt_s)
        try:
            return cls(name=path.stem, bps=bps, rtt_s=rtt, step_s=step_s, offset_s=offset_s)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error

    @classmethod
    def constant(cls, bps: float, rtt_s: float, seconds: float) -> Self:
        """A link that never changes, as long as asked for (at least one step).

        Raises `InputError` on a round trip above 0.5 s.
        """
        _check_asked(rtt_s)
        steps = max(1, round(seconds / 0.1))
        return cls(name=f"constant-{bps / 1e6:g}mbps", bps=np.full(steps, bps), rtt_s=np.full(steps, rtt_s))

    @property
    def duration_s(self) -> float:
        """After how long the trace repeats, seconds."""
        return len(self.bps) * self.step_s

    @property
    def mean_bps(self) -> float:
        """Mean rate over one period."""
        return float(self.bps.mean())

    def scaled(self, factor: float) -> Self:
        """The same trace with every rate multiplied by `factor` > 0."""
        return replace(self, name=f"{self.name}*{factor:g}", bps=self.bps * factor)

    def starting_at(self, seconds: float) -> Self:
        """The same trace, started `seconds` later in the recording."""
        return replace(self, offset_s=self.offset_s + seconds)

    def rate_at(self, t: float) -> float:
        """Bits per second at time `t`."""
        return float(self.bps[self._step(t)])

    def rtt_at(self, t: float) -> float:
        """Round-trip time at time `t`, seconds, at most 0.5."""
        return min(float(self.rtt_s[self._step(t)]), MAX_RTT_S)

    def bits_between(self, t0: float, t1: float) -> float:
        """Bits that the link can carry from `t0` to `t1 >= t0`."""
        return self._bits_until(t1) - self._bits_until(t0)

    def finish_at(self, start: float, nbytes: float) -> float:
        """When the last of `nbytes` has left that start leaving at `start`: the inverse of `bits_between`.

        The earliest such time, so that nothing waits for the end of an outage that begins when it is done.
        """
        if nbytes <= 0:
            return start
        wanted = self._bits_until(start) + 8 * nbytes
        period = self._carried[-1]
        cycles = math.ceil((wanted - _SLACK_BITS) / period) - 1
        rest = wanted - cycles * period
        if rest <= _SLACK_BITS:  # after very many cycles rounding may take one too many, or one too few
            cycles, rest = cycles - 1, rest + period
        step = bisect_left(self._carried, min(rest - _SLACK_BITS, period))
        before, after = self._carried[step - 1], self._carried[step]
        position = cycles * len(self.bps) + step - 1 + min(1.0, (rest - before) / (after - before))
        return max(start, position * self.step_s - self.offset_s)

    def _bits_until(self, t: float) -> float:
        cycles, position = divmod((t + self.offset_s) / self.step_s, len(self.bps))
        step = min(int(position), len(self.bps) - 1)
        before, after = self._carried[step], self._carried[step + 1]
        return cycles * self._carried[-1] + before + (position - step) * (after - before)

    def _step(self, t: float) -> int:
        # 0.3 / 0.1 is 2.9999999999999996: a time on a border belongs to the step that starts there.
        return math.floor((t + self.offset_s) / self.step_s + 1e-9) % len(self.bps)


def _check_asked(rtt_s: float | None) -> None:
    """A recording may hold longer round trips, but nobody asks for one to see it clipped."""
    if rtt_s is not None and rtt_s > MAX_RTT_S:
        raise InputError(f"a round trip lasts {1e3 * MAX_RTT_S:g} ms at most, got {1e3 * rtt_s:g} ms")
