"""Latency (less is better) against accuracy (more is better): frontier, knee, and what both mean for the display."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from foveate.core import InputError

Numbers = NDArray[np.float64]
Knee = Literal["chord", "utility"]


def pareto_frontier(latency: Numbers, accuracy: Numbers) -> NDArray[np.int64]:
    """Indices of the points that no other beats in one objective without losing in the other, by rising latency.

    Of equal points the first counts. `latency` and `accuracy` are `(n,)`; raises `InputError` if empty or not finite.
    """
    if len(latency) == 0 or not (np.isfinite(latency).all() and np.isfinite(accuracy).all()):
        raise InputError(f"a frontier needs at least one point and finite numbers, got {len(latency)} points")
    order = np.lexsort((np.arange(len(latency)), -accuracy, latency))
    best_before = np.concatenate([[-np.inf], np.maximum.accumulate(accuracy[order])[:-1]])
    return np.asarray(order[accuracy[order] > best_before], np.int64)


def knee_point(latency: Numbers, accuracy: Numbers, *, kind: Knee = "chord") -> int:
    """Index of the point with the best balance, one of the Pareto frontier.

    Objectives are normalised over all points. `chord`: the frontier point farthest from the line between the
    frontier's ends, towards low latency and high accuracy; where none lies on that side, as `utility`. `utility`: no
    exchange for another point gains more than it costs (Li et al. 2020, arXiv:2005.11600: trade-off utility), which
    with two normalised objectives is the greatest accuracy - latency. A tie goes to the lower latency.
    """
    frontier = pareto_frontier(latency, accuracy)
    x, y = (_normalised(values)[frontier] for values in (latency, accuracy))
    if kind == "chord" and len(frontier) > 2:
        above = _above_chord(x, y)
        if above.max() > 1e-12:
            return int(frontier[_first_largest(above)])
    return int(frontier[_first_largest(y - x)])


def expected_f1(latency: Numbers, accuracy: Numbers, *, fading_per_s: float) -> Numbers:
    """What results of these latencies `(n,)`, seconds, and accuracies `(n,)` show on average while they are shown.

    A result is as old as its latency L when it is first shown, and about twice as old when the next one comes. Its F1
    fades with exp(-rate x age), so that a (exp(-rate L) - exp(-2 rate L)) / (rate L) of an accuracy of a is shown.
    """
    faded = np.maximum(fading_per_s * latency, 1e-9)
    return np.asarray(-accuracy * np.exp(-faded) * np.expm1(-faded) / faded)


def _normalised(values: Numbers) -> Numbers:
    span = float(np.ptp(values))
    return (values - values.min()) / span if span > 0 else np.zeros(len(values))


def _above_chord(x: Numbers, y: Numbers) -> Numbers:
    """Signed distance of frontier points from the chord between the first and the last, up to a positive factor."""
    return np.asarray((x[-1] - x[0]) * (y - y[0]) - (y[-1] - y[0]) * (x - x[0]))


def _first_largest(values: Numbers) -> int:
    """The first of the points that tie: of the lowest latency, as the frontier is in that order."""
    return int(np.argmax(values >= values.max() - 1e-12))
