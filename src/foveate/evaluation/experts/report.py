"""What `foveate compare experts-overall` leaves: tables, figures, one page in the lab's form."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from rich.console import Console

import foveate
from foveate.core import FoveateError
from foveate.evaluation.experts.compare import ExpertsComparison
from foveate.evaluation.experts.drawings import draw_experts
from foveate.evaluation.experts.experiment import ExpertsExperiment, ExpertsResults
from foveate.evaluation.experts.figures import STRETCH
from foveate.evaluation.experts.intervals import mean_of
from foveate.evaluation.experts.pooled import pooled_of
from foveate.evaluation.experts.stand import (
    EDGE,
    NEAR_EDGE,
    STATIC,
    Claim,
    Costs,
    Links,
    Pair,
    claims,
    headline,
    links_of,
    pairs,
    points_text,
    pooled,
    ratio_text,
)
from foveate.evaluation.lab import page as lab_page
from foveate.evaluation.lab.figures.style import Drawn
from foveate.evaluation.lab.statistics import Interval

Row = Sequence[str]


def report_experts(comparison: ExpertsComparison, out: Path, *, console: Console) -> Path:
    """Write CSV tables, `results.json`, figures and `report.html` under `out`; returns the page's path.

    Raises `FoveateError` where no link of the main table is finished by every row.
    """
    experiment, results = comparison.experiment, comparison.results
    if not links_of(results, variations=False):
        why = f"see {out / 'failures.json'}" if comparison.failures else "the same command goes on"
        raise FoveateError(f"no link of experiment {experiment.name} is finished by every row: {why}")
    out.mkdir(parents=True, exist_ok=True)
    for name in ("rows", "specialists", "choices", "curves", "pooled"):
        _write_csv(out / f"{name}.csv", [_flat(row) for row in getattr(results, name)])
    (out / "results.json").write_bytes(msgspec.json.encode(results.__dict__))
    drawn = draw_experts(results, experiment.models)
    for figure in drawn:
        figure.write(out / "figures")
    found = claims(results)
    (out / "report.html").write_text(_page(comparison, found, drawn), encoding="utf-8")
    for text in (f"{headline(found)}.", *(f"{_name(claim)} {_figures(claim)}" for claim in found)):
        console.print(text, markup=False, highlight=False)
    if comparison.finished < comparison.wanted:
        console.print(f"{_how_far(comparison)}: the same command goes on", style="yellow")
    if comparison.failures:
        console.print(f"{len(comparison.failures)} steps failed: {out / 'failures.json'}", style="red")
    console.print(f"wrote {out / 'report.html'}")
    return out / "report.html"


def _how_far(comparison: ExpertsComparison) -> str:
    return f"{comparison.finished} of {comparison.wanted} cells are finished"


def _page(comparison: ExpertsComparison, found: Sequence[Claim], drawn: Sequence[Drawn]) -> str:
    experiment, results = comparison.experiment, comparison.results
    main, others = links_of(results, variations=False), links_of(results, variations=True)
    body = [
        _header(experiment),
        _verdict(found),
        _note("Where the numbers come from", [*_standing(comparison), *_origins(experiment, results)]),
        _section("Main table", _table(_MAIN_HEAD, _main_rows(results, main))),
        _section("Ours against each other row", _table(_PAIR_HEAD, map(_pair_row, pairs(results, main)))),
        '<section class="kind">' + "".join(map(lab_page.figure_block, drawn)) + "</section>",
        _section("Specialists", _table(_KIND_HEAD, _kind_rows(results))),
        _section("Specialists, each training", _table(_EACH_HEAD, _each_rows(results))),
        _section("Chosen on held-out pictures", _table(_CHOICE_HEAD, _choice_rows(results))),
    ]
    if others:
        against = pairs(results, others, (EDGE, NEAR_EDGE, STATIC))
        body.append(_section("Other links", _table(_MAIN_HEAD, _main_rows(results, others))))
        body.append(_section("Ours on other links", _table(_PAIR_HEAD, map(_pair_row, against))))
    return lab_page.document(experiment.name, [*body, _FOOTER])


def _verdict(found: Sequence[Claim]) -> str:
    told = "".join(f"<p><b>{escape(_name(claim))}</b> {escape(_figures(claim))}</p>" for claim in found)
    state = "sure" if all(claim.standing == "reached" for claim in found) else "open"
    return (
        f'<section class="verdict {state}" id="verdict"><p class="mark">Verdict</p>'
        f"<h2>{escape(headline(found))}.</h2>{told}</section>"
    )


def _name(claim: Claim) -> str:
    return f"{claim.figure[0].upper()}{claim.figure[1:]}: {claim.standing}."


def _figures(claim: Claim) -> str:
    return f"Published: {claim.published}. {claim.default}. {claim.curve}. {claim.why}"


def _header(experiment: ExpertsExperiment) -> str:
    return (
        f'<header><p class="brand">foveate · comparison</p><h1>{escape(experiment.name)}</h1>'
        f'<p class="question">{escape(experiment.question)}</p></header>'
    )


_FOOTER = (
    '<footer><p>Every row: <a href="rows.csv">rows.csv</a> <a href="specialists.csv">specialists.csv</a> '
    '<a href="choices.csv">choices.csv</a> <a href="curves.csv">curves.csv</a> <a href="pooled.csv">pooled.csv</a></p>'
    f"<p>foveate {foveate.__version__}</p></footer>"
)


def _standing(comparison: ExpertsComparison) -> list[str]:
    """What a reader must know of a report that is not the last one, or was not made by one program."""
    found = []
    if comparison.finished < comparison.wanted:
        found.append(f"{_how_far(comparison)}; only links that every row of every training has finished count.")
    if len(comparison.codes) > 1:
        found.append(f"The cells were computed by {len(comparison.codes)} different states of the program.")
    return found


def _origins(experiment: ExpertsExperiment, results: ExpertsResults) -> list[str]:
    seeds = sorted({row["seed"] for row in results.choices})
    return [
        f"Trainings: {', '.join(seeds)}. With few of them intervals are rather too narrow.",
        f"Durations of the server: {experiment.times.source}.",
        f"The device takes {experiment.slower_device:g} times the server's time for an expert-sized model (assumed).",
        "The generalist takes its share of that model's operations as its share of the time (assumed).",
        *(f"Energy: {part}." for part in experiment.power.source.split("; ")),
        *(f"Other powers: {part}." for part in _new_in(experiment.other_power.source, experiment.power.source)),
        f"Pictures are sent as {experiment.coding}, {experiment.rate_hz:g} a second, {experiment.samples} a cell.",
        "Accuracies are over all pictures of the table, without losses of the network.",
        "Intervals of accuracies: two-way bootstrap over pictures and trainings; of one training, over pictures.",
        f"Intervals of latency and energy: two-way bootstrap over source runs and stretches of {STRETCH} samples.",
        "A LAN is one link: its interval is over stretches alone. Tables give 95 % everywhere.",
        "Equal accuracy is found on the pictures of the table: the lowest threshold at which ours is as accurate.",
        *(f"Missing: {text}." for text in results.missing),
        f"Expected beforehand: {experiment.expected}",
    ]


def _new_in(source: str, other: str) -> list[str]:
    """Constants that the other power model does not have."""
    known = other.split("; ")
    return [part for part in source.split("; ") if part not in known]


_MAIN_HEAD = (
    "",
    "links",
    "source runs",
    "accuracy, %",
    "offloaded, %",
    "latency ms, mean",
    "p99",
    "device mJ",
    "radio mJ",
    "server mJ",
    "sum mJ",
    "with idle mJ",
    "sum mJ, other powers",
)
_PAIR_HEAD = (
    "ours against",
    "links",
    "accuracy, default",
    "latency, default",
    "energy, default",
    "energy, default, other powers",
    "as accurate at threshold",
    "latency there",
    "energy there",
    "energy there, other powers",
)
_KIND_HEAD = (
    "experts",
    "trainings",
    "own classes, %",
    "the same, answers limited to them",
    "all classes, %",
    "over static",
)
_EACH_HEAD = (
    "experts",
    "seed",
    "own classes, %",
    "all classes, %",
    "base on own classes, %",
    "limited to own classes, %",
    "base likewise, %",
)
_CHOICE_HEAD = (
    "",
    "seed",
    "temperature",
    "top-k",
    "threshold",
    "ECE before",
    "ECE after",
    "generalist's share",
    "gain of own classes",
)
_PARTS = ("device", "radio", "server")


def _main_rows(results: ExpertsResults, where: Sequence[Links]) -> Iterable[Row]:
    main = [row for row in results.rows if row["table"] == "main"]
    for label in dict.fromkeys(row["contender"] for row in results.choices):
        chosen = [row for row in results.choices if row["contender"] == label]
        for links in where:
            rows = [row for row in main if row["contender"] == label and links.holds(row)]
            yield (
                label,
                str(links),
                str(len({row["recording"] for row in rows})),
                _share_text(asdict(pooled(results, "accuracy", label))),
                f"{100 * _mean([row['offloaded'] for row in chosen]):.1f}",
                _thousandths(mean_of(rows, "latency_s")),
                f"{1e3 * _mean([row['latency_s']['p99'] for row in rows]):.1f}",
                *(f"{1e3 * _mean([row['energy_j'][part] for row in rows]):.1f}" for part in _PARTS),
                _thousandths(mean_of(rows, "energy_j")),
                f"{1e3 * _mean([row['energy_j']['with_idle'] for row in rows]):.1f}",
                _thousandths(mean_of(rows, "other_energy_j")),
            )


def _pair_row(pair: Pair) -> Row:
    reached, trainings = pair.trainings
    default = points_text(pair.above), *_ratios(pair.default)
    if pair.threshold is None or pair.equal is None:
        return pair.rival, str(pair.links), *default, "never", "-", "-", "-"
    some = "" if reached == trainings else f" ({reached} of {trainings} trainings)"
    return pair.rival, str(pair.links), *default, f"{pair.threshold:.2f}{some}", *_ratios(pair.equal)


def _ratios(costs: Costs) -> Row:
    return ratio_text(costs.latency), ratio_text(costs.energy), ratio_text(costs.other_energy)


def _kind_rows(results: ExpertsResults) -> Iterable[Row]:
    for kind in dict.fromkeys(row["kind"] for row in results.specialists):
        own, limited, overall = (
            _share_text(asdict(pooled(results, figure, kind))) for figure in ("on_subset", "limited", "overall")
        )
        above = pooled_of(results.pooled, "over_static", kind)
        count = sum(row["kind"] == kind for row in results.specialists)
        yield kind, str(count), own, limited, overall, "-" if above is None else points_text(above)


def _each_rows(results: ExpertsResults) -> Iterable[Row]:
    names = ("on_subset", "overall", "base_on_subset", "limited", "base_limited")
    for row in results.specialists:
        yield row["kind"], row["seed"], *(_share_text(row[name]) for name in names)


def _choice_rows(results: ExpertsResults) -> Iterable[Row]:
    for row in results.choices:
        yield (
            row["contender"],
            row["seed"],
            f"{row['temperature']:.2f}",
            str(row["top_k"]),
            f"{row['threshold']:.2f}",
            f"{row['uncalibrated_error']:.3f}",
            f"{row['calibration_error']:.3f}",
            f"{row['generalist_share']:.2f}",
            f"{row['subset_gain']:.2f}",
        )


def _thousandths(found: Interval) -> str:
    return f"{1e3 * found.value:.1f} ({1e3 * found.low:.1f} to {1e3 * found.high:.1f})"


def _share_text(share: dict[str, float]) -> str:
    return f"{100 * share['value']:.2f} ({100 * share['low']:.2f} to {100 * share['high']:.2f})"


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _note(title: str, sentences: Iterable[str]) -> str:
    rows = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    return f'<section class="note"><p class="mark">{escape(title)}</p>{rows}</section>'


def _section(title: str, content: str) -> str:
    return f'<section class="kind"><h2 class="rule">{escape(title)}</h2>{content}</section>'


def _table(head: Row, rows: Iterable[Row]) -> str:
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table></div>'


def _flat(row: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested figures as columns `outer_inner`; series are for `results.json` alone."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}_")
        elif not isinstance(value, list):
            flat[prefix + name] = value
    return flat


def _write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=columns)
        writer.writeheader()
        writer.writerows(rows)
