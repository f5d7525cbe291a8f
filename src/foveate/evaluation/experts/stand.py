"""Ours against every other row, at the default threshold and at equal accuracy, and against the published figures."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from foveate.core import InputError
from foveate.evaluation.experts.contenders import KIND_LABELS, OURS
from foveate.evaluation.experts.experiment import ExpertsResults
from foveate.evaluation.experts.intervals import Measure, ratio_of
from foveate.evaluation.experts.pooled import Figure, pooled_of
from foveate.evaluation.lab.phrases import counted
from foveate.evaluation.lab.statistics import Interval

GENERALIST = "edge only: generalist"
EDGE, NEAR_EDGE, STATIC = "edge only: expert-sized model", "near-edge only: expert-sized model", KIND_LABELS["static"]
"""Rows that the published figures are about."""
Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Links:
    """Links that may stand in one table."""

    group: str
    variation: str

    def __str__(self) -> str:
        """As a table calls it."""
        return f"{self.group}, {self.variation}" if self.variation else self.group

    def holds(self, row: Row) -> bool:
        """Whether a row ran on one of them."""
        return (row["group"], row["variation"]) == (self.group, self.variation)


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Ours over another row; below 1 ours is better."""

    latency: Interval
    energy: Interval
    """Idle power left out."""
    other_energy: Interval
    """By the other power model."""

    def of(self, measure: Measure) -> Interval:
        """One of them."""
        return {"latency_s": self.latency, "energy_j": self.energy, "other_energy_j": self.other_energy}[measure]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Ours and another row on one kind of links."""

    rival: str
    links: Links
    above: Interval
    """Accuracy of ours at the default threshold less the other's; interval over pictures and trainings."""
    default: Costs
    """At the default threshold, over the trainings that have both."""
    threshold: float | None
    """Where ours is as accurate, mean of the trainings that get there; None: none does."""
    trainings: tuple[int, int]
    """How many get there, of how many."""
    equal: Costs | None
    """At that threshold, over those trainings."""


def links_of(results: ExpertsResults, *, variations: bool) -> list[Links]:
    """Kinds of links of the main tables, or those that differ from them."""
    found = dict.fromkeys(
        Links(group=row["group"], variation=row["variation"]) for row in results.rows if row["table"] == "main"
    )
    return [links for links in found if bool(links.variation) == variations]


def pairs(results: ExpertsResults, links: Iterable[Links], rivals: Sequence[str] | None = None) -> list[Pair]:
    """Ours against every other row, or those that are named."""
    named = [label for label in dict.fromkeys(row["contender"] for row in results.choices) if label != OURS]
    chosen = named if rivals is None else [label for label in rivals if label in named]
    where = list(links)
    return [_pair(results, rival, there) for rival in chosen for there in where]


def _pair(results: ExpertsResults, rival: str, links: Links) -> Pair:
    rows = [row for row in results.rows if links.holds(row)]
    choices = [row for row in results.choices if row["contender"] == rival]
    thresholds = [row["ours_reaches_at"] for row in choices if row["ours_reaches_at"] is not None]
    theirs = [row for row in rows if (row["table"], row["contender"]) == ("main", rival)]
    trained = {row["seed"] for row in theirs}
    ours = [row for row in rows if (row["table"], row["contender"]) == ("main", OURS) and row["seed"] in trained]
    equal = [row for row in rows if (row["table"], row["rival"]) == ("equal", rival)]
    return Pair(
        rival=rival,
        links=links,
        above=pooled(results, "ours_above", rival),
        default=_costs(ours, theirs),
        threshold=float(np.mean(thresholds)) if thresholds else None,
        trainings=(len(thresholds), len(choices)),
        equal=_costs(equal, theirs) if equal else None,
    )


def _costs(ours: Sequence[Row], theirs: Sequence[Row]) -> Costs:
    return Costs(
        latency=ratio_of(ours, theirs, "latency_s"),
        energy=ratio_of(ours, theirs, "energy_j"),
        other_energy=ratio_of(ours, theirs, "other_energy_j"),
    )


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A published figure and where ours stands."""

    figure: str
    published: str
    standing: str
    """In a few words: one of `STANDINGS`."""
    default: str
    """At the default threshold."""
    curve: str
    """Along the threshold: at equal accuracy, or at equal shares of offloaded samples."""
    why: str
    """What stands between."""


STANDINGS = (
    "reached",
    "same direction but smaller",
    "no difference shown",
    "opposite direction",
    "not comparable",
    "not trained",
)
"""In the order of a headline."""


def claims(results: ExpertsResults) -> list[Claim]:
    """The four figures of the abstract."""
    against_offloading = pairs(results, links_of(results, variations=False), [NEAR_EDGE])
    return [
        _subset_claim(results),
        _system_claim(results),
        _cost_claim(
            pairs(results, links_of(results, variations=False), [EDGE]),
            "latency_s",
            target=0.55,
            figure="latency against an expert-sized model on the edge, up to",
            why="The ratio of speeds of server and device is assumed, and so is the generalist's share of the time.",
        ),
        _cost_claim(
            against_offloading,
            "energy_j",
            target=0.54,
            figure="energy against offloading everything, up to",
            why=_by_the_other_model(against_offloading),
        ),
    ]


def headline(found: Sequence[Claim]) -> str:
    """One sentence."""
    counts = {word: sum(claim.standing == word for claim in found) for word in STANDINGS}
    return f"Of the paper's {len(found)} figures: " + "; ".join(f"{n} {word}" for word, n in counts.items() if n)


def _subset_claim(results: ExpertsResults) -> Claim:
    gain = pooled_of(results.pooled, "over_static", "progressive")
    limited = pooled(results, "limited", "progressive"), pooled(results, "limited", "static")
    within = " against ".join(f"{100 * found.value:.1f}" for found in limited)
    return Claim(
        figure="accuracy on target subsets, progressive against static experts",
        published="+4.12 (points or %)",
        standing="not trained" if gain is None else _standing(gain, 0.0412),
        default="Here: " + ("-" if gain is None else _gain_text(gain, pooled(results, "on_subset", "static").value)),
        curve=f"Experts alone: no threshold takes part. With answers limited to their own classes: {within} %",
        why=f"Tiny-ImageNet-100 in place of CIFAR-100, small models trained from nothing; {trainings_text(results)}.",
    )


def _system_claim(results: ExpertsResults) -> Claim:
    gain = pooled(results, "ours_above", STATIC)
    along = _along_the_curve(results)
    return Claim(
        figure="accuracy of the whole system, progressive against static experts",
        published="+2.76 (points or %)",
        standing=_standing(gain, 0.0276),
        default="At the default threshold: " + _gain_text(gain, pooled(results, "accuracy", STATIC).value),
        curve=(
            f"At equal shares of offloaded samples: {100 * along.low:+.2f} to {100 * along.high:+.2f} points, "
            f"mean {100 * along.value:+.2f}"
        ),
        why=f"The same data and models; router and trials on held-out pictures are alike; {trainings_text(results)}.",
    )


def _cost_claim(found: Sequence[Pair], measure: Measure, *, target: float, figure: str, why: str) -> Claim:
    """The published figure is an `up to`: of all links those count on which ours saves most."""
    best = min(found, key=lambda pair: pair.default.of(measure).value)
    default = ratio_text(best.default.of(measure))
    reached = [(costs.of(measure), pair) for pair in found if (costs := pair.equal) is not None]
    standing, curve = "not comparable", "Ours is never as accurate"
    if reached:
        ratio, pair = min(reached, key=lambda entry: entry[0].value)
        standing = _ratio_standing(ratio, target)
        curve = f"At equal accuracy: {ratio_text(ratio)} on {pair.links}, threshold {pair.threshold:.2f}"
    return Claim(
        figure=figure,
        published=f"{100 * (target - 1):.0f} %",
        standing=standing,
        default=f"At the default threshold: {default} on {best.links}, with {points_text(best.above)} of accuracy",
        curve=curve,
        why=why,
    )


def _by_the_other_model(found: Sequence[Pair]) -> str:
    """A verdict on energy that hangs on the power model says so."""
    other = _cost_claim(found, "other_energy_j", target=0.54, figure="", why="")
    return (
        "Powers are a model's, idle power left out: a what-if where durations are of another machine than powers. "
        f"By the other power model: {other.standing}. {other.default}. {other.curve}."
    )


def _standing(gain: Interval, target: float) -> str:
    if gain.low > 0:
        return "reached" if gain.value >= target else "same direction but smaller"
    return "opposite direction" if gain.high < 0 else "no difference shown"


def _ratio_standing(ratio: Interval, target: float) -> str:
    """As a saving."""
    return _standing(Interval(value=1 - ratio.value, low=1 - ratio.high, high=1 - ratio.low), 1 - target)


def _along_the_curve(results: ExpertsResults) -> Interval:
    """Mean, least and most of the accuracies of ours less static ones, at equal shares of offloaded samples."""
    shares = np.linspace(0, 1, 21)
    curves = []
    for seed in dict.fromkeys(row["seed"] for row in results.curves):
        both = [_curve(results, seed, label, shares) for label in (OURS, STATIC)]
        curves.append(both[0] - both[1])
    apart = np.mean(curves, axis=0)
    return Interval(value=float(apart.mean()), low=float(apart.min()), high=float(apart.max()))


def _curve(results: ExpertsResults, seed: str, label: str, shares: np.ndarray) -> np.ndarray:
    points = [(r["offloaded"], r["accuracy"]) for r in results.curves if (r["seed"], r["contender"]) == (seed, label)]
    offloaded, accuracy = np.array(sorted(points)).T
    return np.asarray(np.interp(shares, offloaded, accuracy))


def ratio_text(ratio: Interval) -> str:
    """`-45 % (-48 to -41)`."""
    value, low, high = (whole_text(100 * (number - 1)) for number in (ratio.value, ratio.low, ratio.high))
    return f"{value} % ({low} to {high})"


def whole_text(value: float) -> str:
    """`-45`, `+3` or `0`."""
    return f"{round(value):+d}" if round(value) else "0"


def points_text(gain: Interval) -> str:
    """`+4.1 points (+3.0 to +5.2)`."""
    value, low, high = (100 * number for number in (gain.value, gain.low, gain.high))
    return f"{value:+.2f} points ({low:+.2f} to {high:+.2f})"


def _gain_text(gain: Interval, base: float) -> str:
    return f"{points_text(gain)}, {100 * gain.value / base:+.1f} % of {100 * base:.1f} %"


def pooled(results: ExpertsResults, figure: Figure, label: str) -> Interval:
    """A figure over pictures and trainings. Raises `InputError` where no training has it."""
    found = pooled_of(results.pooled, figure, label)
    if found is None:
        raise InputError(f"no training has {figure} of {label}")
    return found


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def trainings_text(results: ExpertsResults) -> str:
    """`3 trainings`."""
    return counted(len({row["seed"] for row in results.choices}), "training")


def winners(results: ExpertsResults) -> list[Row]:
    """For each speed and round trip of the map, latencies and energies of its rows."""
    cells: dict[tuple[float, float], Row] = {}
    for row in (row for row in results.rows if row["table"] == "map"):
        cell = cells.setdefault((row["speed"], row["rtt_s"]), {"speed": row["speed"], "rtt_s": row["rtt_s"]})
        cell.setdefault("latency_s", {}).setdefault(row["contender"], []).append(row["latency_s"]["mean"])
        cell.setdefault("energy_j", {}).setdefault(row["contender"], []).append(row["energy_j"]["total"])
    for cell in cells.values():
        for name in ("latency_s", "energy_j"):
            cell[name] = {label: _mean(values) for label, values in cell[name].items()}
    return list(cells.values())
