"""Tables of the report of Ask the Expert."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from foveate.evaluation.experts.contenders import OURS
from foveate.evaluation.experts.experiment import ExpertsResults
from foveate.evaluation.experts.intervals import mean_of
from foveate.evaluation.experts.pooled import pooled_of
from foveate.evaluation.experts.stand import Costs, Links, Pair, pooled, ratio_text
from foveate.evaluation.lab.phrases import counted
from foveate.evaluation.lab.statistics import Interval
from foveate.evaluation.lab.table_block import NONE, Row, table_block

_PARTS = ("device", "radio", "server")


def accuracy_table(results: ExpertsResults) -> str:
    """Each row's accuracy, and how much more accurate ours is."""
    rows: list[Row] = []
    for label in _labels(results):
        shares = [row["offloaded"] for row in results.choices if row["contender"] == label]
        above = pooled_of(results.pooled, "ours_above", label)
        ours = NONE if label == OURS or above is None else _points(above)
        rows.append([label, _share_text(_pooled(results, label)), f"{100 * _mean(shares):.1f}", ours])
    return table_block(
        "Accuracy",
        ["", "accuracy, % (95 %)", "offloaded, %", "ours more accurate by, points (95 %)"],
        rows,
        "At the thresholds chosen on held-out pictures, over all pictures of the table, without losses of the network.",
    )


def latency_table(results: ExpertsResults, where: Sequence[Links], title: str, *, opened: bool) -> str:
    """Latency of each row, by kind of links."""
    return table_block(
        title,
        ["", "mean, ms (95 %)", "p99, ms"],
        {_heading(results, links): list(_latency_rows(results, links)) for links in where},
        "From the arrival of a sample to its answer.",
        opened=opened,
    )


def energy_table(results: ExpertsResults, where: Sequence[Links], title: str, *, opened: bool) -> str:
    """Energy of each row, by kind of links."""
    return table_block(
        title,
        ["", *_PARTS, "sum (95 %)", "sum, other powers (95 %)", "with idle"],
        {_heading(results, links): list(_energy_rows(results, links)) for links in where},
        "Energy a sample in mJ; the sums leave idle power out.",
        opened=opened,
    )


def default_table(found: Sequence[Pair], title: str, *, opened: bool) -> str:
    """Ours over each other row at the default threshold."""
    return table_block(
        title,
        ["ours against", "latency (95 %)", "energy (95 %)", "energy, other powers (95 %)"],
        _by_links(found, lambda pair: [pair.rival, *_ratios(pair.default)]),
        "At the thresholds chosen on held-out pictures; negative: ours takes less. Accuracies differ: see there.",
        opened=opened,
    )


def equal_table(found: Sequence[Pair], title: str, *, opened: bool) -> str:
    """Ours over each other row at the threshold at which it is as accurate."""
    reached = [pair for pair in found if pair.equal is not None]
    never = list(dict.fromkeys(pair.rival for pair in found if pair.equal is None))
    return table_block(
        title,
        ["ours against", "threshold", "latency (95 %)", "energy (95 %)", "energy, other powers (95 %)"],
        _by_links(reached, lambda pair: [pair.rival, _threshold(pair), *_ratios(pair.equal or pair.default)]),
        "At the lowest threshold at which ours is as accurate."
        + (f" At none is it as accurate as: {'; '.join(never)}." if never else ""),
        opened=opened,
    )


def kind_table(results: ExpertsResults) -> str:
    """Kinds of experts over all trainings."""
    rows: list[Row] = []
    for kind in dict.fromkeys(row["kind"] for row in results.specialists):
        shares = [_share_text(asdict(pooled(results, figure, kind))) for figure in ("on_subset", "limited", "overall")]
        above = pooled_of(results.pooled, "over_static", kind)
        count = sum(row["kind"] == kind for row in results.specialists)
        rows.append([kind, count, *shares, NONE if above is None else _points(above)])
    return table_block(
        "Specialists",
        [
            "experts",
            "trainings",
            "own classes, %",
            "answers limited to them, %",
            "all classes, %",
            "over static, points",
        ],
        rows,
        "Each with its 95 % interval over pictures and trainings.",
    )


def training_table(results: ExpertsResults) -> str:
    """Kinds of experts, training by training."""
    names = ("on_subset", "overall", "base_on_subset", "limited", "base_limited")
    return table_block(
        "Specialists, each training",
        [
            "experts",
            "training",
            "own classes, %",
            "all classes, %",
            "base, own classes, %",
            "limited to own, %",
            "base, %",
        ],
        [[row["kind"], row["seed"], *(_share_text(row[name]) for name in names)] for row in results.specialists],
        opened=False,
    )


def choice_table(results: ExpertsResults) -> str:
    """What was chosen on held-out pictures."""
    figures = (
        ("temperature", "temperature", 2),
        ("top-k", "top_k", 0),
        ("threshold", "threshold", 2),
        ("ECE before", "uncalibrated_error", 3),
        ("ECE after", "calibration_error", 3),
        ("generalist's share", "generalist_share", 2),
        ("gain of own classes", "subset_gain", 2),
    )
    groups = {
        seed: [
            [row["contender"], *(f"{row[name]:.{digits}f}" for _, name, digits in figures)]
            for row in results.choices
            if row["seed"] == seed
        ]
        for seed in dict.fromkeys(row["seed"] for row in results.choices)
    }
    return table_block(
        "Chosen on held-out pictures",
        ["", *(heading for heading, _, _ in figures)],
        groups,
        "ECE: expected calibration error of the generalist, before and after its temperature is set.",
        opened=False,
    )


def _heading(results: ExpertsResults, links: Links) -> str:
    runs = {row["recording"] for row in results.rows if row["table"] == "main" and links.holds(row)}
    return f"{links}: {counted(len(runs), 'source run')}"


def _latency_rows(results: ExpertsResults, links: Links) -> Iterator[Row]:
    for label, rows in _main_rows(results, links).items():
        p99 = _mean(row["latency_s"]["p99"] for row in rows)
        yield label, _thousandths(mean_of(rows, "latency_s")), f"{1e3 * p99:.1f}"


def _energy_rows(results: ExpertsResults, links: Links) -> Iterator[Row]:
    for label, rows in _main_rows(results, links).items():
        parts = {name: 1e3 * _mean(row["energy_j"][name] for row in rows) for name in (*_PARTS, "with_idle")}
        yield (
            label,
            *(f"{parts[name]:.1f}" for name in _PARTS),
            _thousandths(mean_of(rows, "energy_j")),
            _thousandths(mean_of(rows, "other_energy_j")),
            f"{parts['with_idle']:,.0f}",
        )


def _main_rows(results: ExpertsResults, links: Links) -> dict[str, list[dict[str, Any]]]:
    """By row of the table, its cells on these links."""
    here = [row for row in results.rows if row["table"] == "main" and links.holds(row)]
    found = {label: [row for row in here if row["contender"] == label] for label in _labels(results)}
    return {label: rows for label, rows in found.items() if rows}


def _by_links(found: Sequence[Pair], row_of: Callable[[Pair], Row]) -> dict[str, Sequence[Row]]:
    return {
        str(links): [row_of(pair) for pair in found if pair.links == links]
        for links in dict.fromkeys(pair.links for pair in found)
    }


def _threshold(pair: Pair) -> str:
    reached, trainings = pair.trainings
    some = "" if reached == trainings else f" ({reached} of {trainings} trainings)"
    return NONE if pair.threshold is None else f"{pair.threshold:.2f}{some}"


def _ratios(costs: Costs) -> tuple[str, str, str]:
    return ratio_text(costs.latency), ratio_text(costs.energy), ratio_text(costs.other_energy)


def _labels(results: ExpertsResults) -> list[str]:
    return list(dict.fromkeys(row["contender"] for row in results.choices))


def _pooled(results: ExpertsResults, label: str) -> dict[str, Any]:
    return asdict(pooled(results, "accuracy", label))


def _points(gain: Interval) -> str:
    value, low, high = (f"{100 * number:+.2f}" for number in (gain.value, gain.low, gain.high))
    return f"{value} ({low} to {high})"


def _thousandths(found: Interval) -> str:
    value, low, high = (f"{1e3 * number:,.1f}" for number in (found.value, found.low, found.high))
    return value if low == high == value else f"{value} ({low} to {high})"


def _share_text(share: dict[str, float]) -> str:
    return f"{100 * share['value']:.2f} ({100 * share['low']:.2f} to {100 * share['high']:.2f})"


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))
