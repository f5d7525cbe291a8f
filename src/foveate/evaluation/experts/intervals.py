"""How sure latencies and energies are: two-way cluster bootstrap over source runs of links and stretches of samples.

Samples that follow one another share queue and weather of the link, so stretches of them are drawn, not samples. The
same stretch (same pictures at the same time) runs on every link, and all stretches of one recording share its quirks:
hence two ways (see `foveate.evaluation.lab.statistics`). Where there is but one link the interval is over stretches
alone.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from foveate.evaluation.lab.statistics import Clusters, Interval, interval

Measure = Literal["latency_s", "energy_j", "other_energy_j"]
Row = dict[str, Any]
DRAWS = 2000


def mean_of(rows: Sequence[Row], measure: Measure) -> Interval:
    """Mean a sample over rows of one contender."""
    return _clusters(rows).mean_interval(_values(rows, measure))


def ratio_of(ours: Sequence[Row], theirs: Sequence[Row], measure: Measure) -> Interval:
    """Ratio of the means; rows are paired by training, link and start, and both are drawn alike.

    Raises `KeyError` where ours has a row without a partner.
    """
    partners = {_cell(row): row for row in theirs}
    paired = [partners[_cell(row)] for row in ours]
    clusters, a, b = _clusters(ours), _values(ours, measure), _values(paired, measure)
    return interval(float(a.mean() / b.mean()), clusters.means(a) / clusters.means(b))


def _cell(row: Row) -> tuple[Any, ...]:
    return row["seed"], row["group"], row["variation"], row["link"], row["start"]


def _values(rows: Sequence[Row], measure: Measure) -> NDArray[np.float64]:
    return np.array([value for row in rows for value in row["stretches"][measure]])


def _clusters(rows: Sequence[Row]) -> Clusters:
    counts = [len(row["stretches"]["latency_s"]) for row in rows]
    stretches = [f"{r['seed']} {r['start']} {n}" for r, count in zip(rows, counts, strict=True) for n in range(count)]
    recordings = [row["recording"] for row, count in zip(rows, counts, strict=True) for _ in range(count)]
    return Clusters(stretches, recordings, draws=DRAWS)
