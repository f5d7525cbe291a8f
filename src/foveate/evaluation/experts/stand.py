"""Where we stand against each published figure, and every pair at equal accuracy along the threshold's curve."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from foveate.evaluation.experts.contenders import KIND_LABELS, OURS
from foveate.evaluation.experts.experiment import ExpertsResults


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A published figure and ours."""

    figure: str
    published: str
    ours: str
    why: str
    """What stands between them."""


@dataclass(frozen=True, kw_only=True)
class EqualAccuracy:
    """Ours at the accuracy of another row, on one kind of links; None where ours never reaches it."""

    rival: str
    group: str
    accuracy: float
    threshold: float | None
    latency_ratio: float | None
    """Ours over the rival's; below 1 is faster."""
    energy_ratio: float | None


def claims(results: ExpertsResults) -> list[Claim]:
    """The four figures of the abstract."""
    equal = equal_accuracy(results)
    edge = [e for e in equal if e.rival == "edge only: expert-sized model"]
    near = [e for e in equal if e.rival == "near-edge only: expert-sized model"]
    return [
        Claim(
            figure="accuracy on target subsets, progressive against static experts",
            published="+4.12 (points or %)",
            ours=_gain(results, "on_subset"),
            why="Tiny-ImageNet-100 in place of CIFAR-100, models trained from nothing in minutes.",
        ),
        Claim(
            figure="overall accuracy of the system against static experts",
            published="+2.76 (points or %)",
            ours=_system_gain(results),
            why="The same; the same router and choices for both.",
        ),
        Claim(
            figure="latency against execution on the edge, up to",
            published="-45 %",
            ours=_best(edge, "latency_ratio"),
            why="At the accuracy of an expert-sized model on the edge; the ratio of speeds is assumed.",
        ),
        Claim(
            figure="energy against offloading everything, up to",
            published="-46 %",
            ours=_best(near, "energy_ratio"),
            why="At the accuracy of an expert-sized model near the edge; powers are a model's unless said otherwise.",
        ),
    ]


def equal_accuracy(results: ExpertsResults) -> list[EqualAccuracy]:
    """Ours against every row without a threshold, on each kind of links."""
    accuracy = {(row["seed"], row["contender"]): row["accuracy"]["value"] for row in results.choices}
    rivals = [label for label in dict.fromkeys(row["contender"] for row in results.choices) if " only" in label]
    groups = list(dict.fromkeys(row["group"] for row in results.rows if row["table"] == "main"))
    targets = {
        rival: float(np.mean([value for (_, label), value in accuracy.items() if label == rival])) for rival in rivals
    }
    return [_at(results, rival, group, targets[rival]) for rival in rivals for group in groups]


def _at(results: ExpertsResults, rival: str, group: str, target: float) -> EqualAccuracy:
    theirs = [r for r in results.rows if (r["table"], r["contender"], r["group"]) == ("main", rival, group)]
    threshold = _threshold_of(results, target)
    if threshold is None:
        return EqualAccuracy(
            rival=rival, group=group, accuracy=target, threshold=None, latency_ratio=None, energy_ratio=None
        )
    latency, energy = (_swept(results, group, threshold, name) for name in ("latency", "energy"))
    return EqualAccuracy(
        rival=rival,
        group=group,
        accuracy=target,
        threshold=threshold,
        latency_ratio=latency / float(np.mean([r["latency_s"]["mean"] for r in theirs])),
        energy_ratio=energy / float(np.mean([r["energy_j"]["total"] for r in theirs])),
    )


def _threshold_of(results: ExpertsResults, target: float) -> float | None:
    """The lowest threshold at which ours is as accurate over all pictures, mean over seeds."""
    by_threshold: dict[float, list[float]] = defaultdict(list)
    for row in results.curves:
        if row["contender"] == OURS:
            by_threshold[row["threshold"]].append(row["accuracy"])
    enough = [threshold for threshold, values in by_threshold.items() if float(np.mean(values)) >= target - 1e-9]
    return min(enough, default=None)


def _swept(results: ExpertsResults, group: str, threshold: float, what: str) -> float:
    """Mean latency or energy of ours at a threshold, between those that were run."""
    points: dict[float, list[float]] = defaultdict(list)
    for row in results.rows:
        if (row["table"], row["contender"], row["group"]) == ("sweep", OURS, group):
            value = row["latency_s"]["mean"] if what == "latency" else row["energy_j"]["total"]
            points[row["threshold"]].append(value)
    thresholds = sorted(points)
    return float(np.interp(threshold, thresholds, [float(np.mean(points[t])) for t in thresholds]))


def _gain(results: ExpertsResults, name: str) -> str:
    both = {
        kind: [row[name]["value"] for row in results.specialists if row["kind"] == kind]
        for kind in ("progressive", "static")
    }
    return _points(both["progressive"], both["static"])


def _system_gain(results: ExpertsResults) -> str:
    both = {
        label: [row["accuracy"]["value"] for row in results.choices if row["contender"] == label]
        for label in (OURS, KIND_LABELS["static"])
    }
    interval = [row["over_static"] for row in results.choices if row["contender"] == OURS]
    low, high = (float(np.mean([row[end] for row in interval])) for end in ("low", "high"))
    return (
        f"{_points(both[OURS], both[KIND_LABELS['static']])}; 95 % over pictures {100 * low:+.2f} to {100 * high:+.2f}"
    )


def _points(ours: Sequence[float], theirs: Sequence[float]) -> str:
    if not ours or not theirs:
        return "not trained"
    gain, base = float(np.mean(ours) - np.mean(theirs)), float(np.mean(theirs))
    return f"{100 * gain:+.2f} points ({100 * gain / base:+.1f} %), {len(ours)} seed{'s' if len(ours) > 1 else ''}"


def _best(found: Sequence[EqualAccuracy], name: str) -> str:
    reached: list[tuple[float, EqualAccuracy]] = [
        (value, entry) for entry in found if (value := getattr(entry, name)) is not None
    ]
    if not reached:
        return "not comparable: ours never reaches that accuracy"
    value, entry = min(reached, key=lambda pair: pair[0])
    return f"{100 * (value - 1):+.0f} % on {entry.group} at threshold {entry.threshold:.2f}"


def winners(results: ExpertsResults) -> list[dict[str, Any]]:
    """For each speed and round trip of the map, latencies and energies of its rows."""
    cells: dict[tuple[float, float], dict[str, Any]] = {}
    for row in (row for row in results.rows if row["table"] == "map"):
        cell = cells.setdefault((row["speed"], row["rtt_s"]), {"speed": row["speed"], "rtt_s": row["rtt_s"]})
        cell.setdefault("latency_s", {}).setdefault(row["contender"], []).append(row["latency_s"]["mean"])
        cell.setdefault("energy_j", {}).setdefault(row["contender"], []).append(row["energy_j"]["total"])
    for cell in cells.values():
        for name in ("latency_s", "energy_j"):
            cell[name] = {label: float(np.mean(values)) for label, values in cell[name].items()}
    return list(cells.values())
