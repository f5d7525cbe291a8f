"""What `foveate compare experts-overall` leaves: tables, figures, one page in the lab's form."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from rich.console import Console

import foveate
from foveate.evaluation.experts.drawings import draw_experts
from foveate.evaluation.experts.experiment import ExpertsExperiment, ExpertsResults
from foveate.evaluation.experts.stand import claims, equal_accuracy
from foveate.evaluation.lab import page as lab_page
from foveate.evaluation.lab.figures.style import Drawn

Row = Sequence[str]


def report_experts(experiment: ExpertsExperiment, results: ExpertsResults, out: Path, *, console: Console) -> Path:
    """Write CSV tables, `results.json`, figures and `report.html` under `out`; returns the page's path."""
    out.mkdir(parents=True, exist_ok=True)
    for name in ("rows", "specialists", "choices", "curves"):
        _write_csv(out / f"{name}.csv", [_flat(row) for row in getattr(results, name)])
    (out / "results.json").write_bytes(msgspec.json.encode(results.__dict__))
    drawn = draw_experts(results, experiment.models)
    for figure in drawn:
        figure.write(out / "figures")
    (out / "report.html").write_text(_page(experiment, results, drawn), encoding="utf-8")
    for claim in claims(results):
        console.print(f"{claim.figure}: published {claim.published}; here {claim.ours}", markup=False, highlight=False)
    console.print(f"wrote {out / 'report.html'}")
    return out / "report.html"


def _page(experiment: ExpertsExperiment, results: ExpertsResults, drawn: Sequence[Drawn]) -> str:
    seeds = sorted({row["seed"] for row in results.choices})
    body = [
        _header(experiment),
        _note("Where the numbers come from", _origins(experiment, results, seeds)),
        _section("Against the published figures", _table(_CLAIM_HEAD, [_claim_row(c) for c in claims(results)])),
        _section("Main table", _table(_MAIN_HEAD, _main_rows(results))),
        _section("At equal accuracy", _table(_EQUAL_HEAD, _equal_rows(results))),
        _section("Specialists", _table(_KIND_HEAD, _kind_rows(results))),
        _section("Chosen on held-out pictures", _table(_CHOICE_HEAD, _choice_rows(results))),
        '<section class="kind">' + "".join(_figure(figure) for figure in drawn) + "</section>",
        _FOOTER,
    ]
    return lab_page.document(experiment.name, body)


def _header(experiment: ExpertsExperiment) -> str:
    return (
        f'<header><p class="brand">foveate · comparison</p><h1>{escape(experiment.name)}</h1>'
        f'<p class="question">{escape(experiment.question)}</p></header>'
    )


_FOOTER = (
    '<footer><p>Every row: <a href="rows.csv">rows.csv</a> <a href="specialists.csv">specialists.csv</a> '
    '<a href="choices.csv">choices.csv</a> <a href="curves.csv">curves.csv</a></p>'
    f"<p>foveate {foveate.__version__}</p></footer>"
)


def _origins(experiment: ExpertsExperiment, results: ExpertsResults, seeds: Sequence[str]) -> list[str]:
    return [
        f"Trainings: {', '.join(seeds)}. With one seed differences between trainings are one draw each.",
        f"Durations of the server: {experiment.times.source}.",
        f"The device takes {experiment.slower_device:g} times the server's time for an expert-sized model (assumed).",
        "The generalist takes its share of that model's operations as its share of the time (assumed).",
        f"Energy: {experiment.power.source}.",
        f"Pictures are sent as {experiment.coding}, {experiment.rate_hz:g} a second, {experiment.samples} a cell.",
        "Accuracies are over all pictures of the table, without losses of the network.",
        *(f"Missing: {text}." for text in results.missing),
        f"Expected beforehand: {experiment.expected}",
    ]


_CLAIM_HEAD = ("figure", "published", "here", "what stands between")
_MAIN_HEAD = (
    "",
    "accuracy, %",
    "offloaded, %",
    "links",
    "latency ms, mean",
    "p99",
    "device mJ",
    "radio mJ",
    "server mJ",
    "sum mJ",
    "with idle mJ",
)
_EQUAL_HEAD = ("ours against", "links", "accuracy, %", "threshold", "latency", "energy")
_KIND_HEAD = ("experts", "seed", "own classes, %", "all classes, %", "base on own classes, %")
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
_ENERGIES = ("device", "radio", "server", "total", "with_idle")


def _claim_row(claim: Any) -> Row:
    return claim.figure, claim.published, claim.ours, claim.why


def _main_rows(results: ExpertsResults) -> Iterable[Row]:
    cells: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in results.rows:
        if row["table"] == "main":
            cells[row["contender"], row["group"]].append(row)
    chosen: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in results.choices:
        chosen[row["contender"]].append(row)
    for (label, group), rows in cells.items():
        yield (
            label,
            _mean_share([c["accuracy"] for c in chosen[label]]),
            f"{100 * _mean([c['offloaded'] for c in chosen[label]]):.1f}",
            group,
            f"{1e3 * _mean([r['latency_s']['mean'] for r in rows]):.1f}",
            f"{1e3 * _mean([r['latency_s']['p99'] for r in rows]):.1f}",
            *(f"{1e3 * _mean([r['energy_j'][name] for r in rows]):.1f}" for name in _ENERGIES),
        )


def _equal_rows(results: ExpertsResults) -> Iterable[Row]:
    for entry in equal_accuracy(results):
        reached = entry.threshold is not None
        yield (
            entry.rival,
            entry.group,
            f"{100 * entry.accuracy:.1f}",
            f"{entry.threshold:.2f}" if reached else "never reached",
            f"{100 * (entry.latency_ratio - 1):+.0f} %" if entry.latency_ratio is not None else "-",
            f"{100 * (entry.energy_ratio - 1):+.0f} %" if entry.energy_ratio is not None else "-",
        )


def _kind_rows(results: ExpertsResults) -> Iterable[Row]:
    for row in results.specialists:
        yield row["kind"], row["seed"], *(_share_text(row[name]) for name in ("on_subset", "overall", "base_on_subset"))


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


def _share_text(share: dict[str, float]) -> str:
    return f"{100 * share['value']:.2f} ({100 * share['low']:.2f} to {100 * share['high']:.2f})"


def _mean_share(shares: Sequence[dict[str, float]]) -> str:
    return _share_text({name: _mean([share[name] for share in shares]) for name in ("value", "low", "high")})


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _note(title: str, sentences: Iterable[str]) -> str:
    rows = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    return f'<section class="note"><p class="mark">{escape(title)}</p>{rows}</section>'


def _section(title: str, content: str) -> str:
    return f'<section class="kind"><h2 class="rule">{escape(title)}</h2>{content}</section>'


def _figure(drawn: Drawn) -> str:
    return lab_page.figure_block(drawn)


def _table(head: Row, rows: Iterable[Row]) -> str:
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table></div>'


def _flat(row: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested figures as columns `outer_inner`."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}_")
        else:
            flat[prefix + name] = value
    return flat


def _write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=columns)
        writer.writeheader()
        writer.writerows(rows)
