"""Medians, quartiles and how sure a difference is: two-way cluster bootstrap over videos and source runs.

Cells of one video are alike, and so are cells of one recorded trace: neither cells nor frames are independent samples.
Videos and recordings are therefore drawn with replacement, each apart from the other, and a cell counts as often as
its video times its recording was drawn (Owen, *The pigeonhole bootstrap*, 2007). For means the variance of the draws
errs, if at all, on the large side as long as there are several of both; with few clusters no interval is to be trusted
much, so reports print their numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foveate.core import InputError

Numbers = NDArray[np.float64]
DRAWS = 4000
LEVEL = 0.95
"""Of intervals: between the percentiles that leave half of the rest on either side."""

LEAST_CLUSTERS = 3
"""With fewer videos or recordings nothing is called sure."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Where a figure lies, as far as the samples tell."""

    value: float
    """Of the samples themselves."""
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Of two contenders over the same cells."""

    mean: Interval
    """Mean of the differences within cells."""
    median: Interval
    """Difference of the medians over cells."""
    above: float
    """Share of the draws with a mean difference above 0; ties count half."""
    cells: int
    videos: int
    recordings: int

    @property
    def enough(self) -> bool:
        """Whether there are enough independent samples to speak of an interval at all."""
        return min(self.videos, self.recordings) >= LEAST_CLUSTERS

    @property
    def sure(self) -> bool:
        """Whether the interval of the mean leaves 0 out, and is one."""
        return self.enough and (self.mean.low > 0 or self.mean.high < 0)

    @property
    def surely_above(self) -> bool:
        """Whether the interval of the mean lies above 0, and is one."""
        return self.enough and self.mean.low > 0


class Clusters:
    """Weights of cells under draws of videos and recordings, the same for every figure of these cells.

    Raises `InputError` without cells, or where the two lists differ in length.
    """

    def __init__(self, videos: Sequence[str], recordings: Sequence[str], *, draws: int = DRAWS, seed: int = 0) -> None:
        if not videos or len(videos) != len(recordings):
            raise InputError(f"cells need a video and a recording each, got {len(videos)} and {len(recordings)}")
        rng = np.random.default_rng(seed)
        self.videos, self.recordings = len(set(videos)), len(set(recordings))
        drawn = _multiplicities(videos, draws, rng) * _multiplicities(recordings, draws, rng)
        self.weights: Numbers = drawn[drawn.sum(axis=1) > 0]
        """`(draws, cells)`: how often each cell counts; a draw of which no cell exists is left out."""

    @property
    def enough(self) -> bool:
        """Whether there are independent samples enough to speak of intervals."""
        return min(self.videos, self.recordings) >= LEAST_CLUSTERS

    def means(self, values: ArrayLike) -> Numbers:
        """Mean of the values in each draw."""
        weighted = self.weights @ np.asarray(values, np.float64)
        return np.asarray(weighted / self.weights.sum(axis=1))

    def medians(self, values: ArrayLike) -> Numbers:
        """Median of the values in each draw."""
        numbers = np.asarray(values, np.float64)
        order = np.argsort(numbers, kind="stable")
        reached = np.cumsum(self.weights[:, order], axis=1)
        half = reached[:, -1:] / 2
        lower, upper = (reached >= half).argmax(axis=1), (reached > half).argmax(axis=1)
        return np.asarray((numbers[order[lower]] + numbers[order[upper]]) / 2)

    def mean_interval(self, values: ArrayLike) -> Interval:
        """Of the mean."""
        return interval(float(np.mean(np.asarray(values, np.float64))), self.means(values))

    def median_interval(self, values: ArrayLike) -> Interval:
        """Of the median."""
        return interval(float(np.median(np.asarray(values, np.float64))), self.medians(values))

    def difference(self, ours: ArrayLike, theirs: ArrayLike) -> Difference:
        """`ours` - `theirs`, cell by cell in the same order."""
        a, b = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
        means = self.means(a - b)
        return Difference(
            mean=interval(float(np.mean(a - b)), means),
            median=interval(float(np.median(a) - np.median(b)), self.medians(a) - self.medians(b)),
            above=float(np.mean(means > 0) + np.mean(means == 0) / 2),
            cells=len(a),
            videos=self.videos,
            recordings=self.recordings,
        )


def interval(value: float, draws: Numbers) -> Interval:
    """Percentile interval of bootstrap draws."""
    low, high = np.percentile(draws, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return Interval(value=value, low=float(low), high=float(high))


def _multiplicities(clusters: Sequence[str], draws: int, rng: np.random.Generator) -> Numbers:
    """How often the cluster of each cell is drawn `(draws, cells)`, as many draws as there are clusters."""
    _, member = np.unique(np.array(clusters), return_inverse=True)
    count = int(member.max()) + 1
    times = rng.multinomial(count, np.full(count, 1 / count), size=draws)
    return np.asarray(times[:, member], np.float64)
