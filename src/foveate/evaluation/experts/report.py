"""What `foveate compare experts-overall` leaves: tables, figures, one page in the lab's form."""

import csv
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

import foveate
from foveate.core import FoveateError
from foveate.evaluation.experts.answer import answer
from foveate.evaluation.experts.compare import ExpertsComparison
from foveate.evaluation.experts.drawings import draw_experts
from foveate.evaluation.experts.experiment import ExpertsExperiment, ExpertsResults
from foveate.evaluation.experts.figures import STRETCH
from foveate.evaluation.experts.report_tables import (
    accuracy_table,
    choice_table,
    default_table,
    energy_table,
    equal_table,
    kind_table,
    latency_table,
    training_table,
)
from foveate.evaluation.experts.stand import (
    EDGE,
    NEAR_EDGE,
    STATIC,
    Claim,
    claims,
    headline,
    links_of,
    pairs,
    trainings_text,
)
from foveate.evaluation.lab import page_parts as parts
from foveate.evaluation.lab.figures.style import Drawn

_CSV = ("rows", "specialists", "choices", "curves", "pooled")
"""Tables of the results that lie beside the page."""


def report_experts(comparison: ExpertsComparison, out: Path, *, console: Console) -> Path:
    """Write CSV tables, `results.json`, figures and `report.html` under `out`; returns the page's path.

    Raises `FoveateError` where no link of the main table is finished by every row.
    """
    experiment, results = comparison.experiment, comparison.results
    if not links_of(results, variations=False):
        why = f"see {out / 'failures.json'}" if comparison.failures else "the same command goes on"
        raise FoveateError(f"no link of experiment {experiment.name} is finished by every row: {why}")
    out.mkdir(parents=True, exist_ok=True)
    for name in _CSV:
        _write_csv(out / f"{name}.csv", [_flat(row) for row in getattr(results, name)])
    (out / "results.json").write_bytes(msgspec.json.encode(results.__dict__))
    drawn = draw_experts(results, experiment.models)
    for figure in drawn:
        figure.write(out / "figures")
    found = claims(results)
    (out / "report.html").write_text(_page(comparison, found, drawn), encoding="utf-8")
    for text in (
        f"{answer(results)[0]}.",
        f"{headline(found)}.",
        *(f"{_name(claim)} {_figures(claim)}" for claim in found),
    ):
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
    ours, elsewhere = pairs(results, main), pairs(results, others, (EDGE, NEAR_EDGE, STATIC))
    tables = [
        accuracy_table(results),
        latency_table(results, main, "Latency", opened=True),
        energy_table(results, main, "Energy", opened=True),
        default_table(ours, "Ours against each other row", opened=True),
        equal_table(ours, "Ours against each other row at equal accuracy", opened=True),
        kind_table(results),
        training_table(results),
        choice_table(results),
        latency_table(results, others, "Latency on other links", opened=False),
        energy_table(results, others, "Energy on other links", opened=False),
        default_table(elsewhere, "Ours on other links", opened=False),
        equal_table(elsewhere, "Ours on other links at equal accuracy", opened=False),
    ]
    title, sentences = answer(results)
    body = [
        _header(experiment, results),
        parts.card("verdict", "few", title, sentences, mark=f"by {trainings_text(results)}"),
        _beside_the_paper(found),
        parts.note([*_standing(comparison), *_origins(experiment, results)]),
        parts.section("Figures", "".join(map(parts.figure_block, drawn))),
        parts.section("Tables", "".join(tables)),
        parts.footer(_CSV, f"foveate {foveate.__version__}"),
    ]
    return parts.document(experiment.name, body)


def _beside_the_paper(found: Sequence[Claim]) -> str:
    told = "".join(f"<p><b>{escape(_name(claim))}</b> {escape(_figures(claim))}</p>" for claim in found)
    state = "sure" if all(claim.standing == "reached" for claim in found) else "open"
    return (
        f'<section class="verdict {state}" id="paper"><p class="mark">Beside the paper</p>'
        f"<h2>{escape(headline(found))}.</h2>{told}</section>"
    )


def _name(claim: Claim) -> str:
    return f"{claim.figure[0].upper()}{claim.figure[1:]}: {claim.standing}."


def _figures(claim: Claim) -> str:
    return f"Published: {claim.published}. {claim.default}. {claim.curve}. {claim.why}"


def _header(experiment: ExpertsExperiment, results: ExpertsResults) -> str:
    links = {(row["group"], row["link"]) for row in results.rows if row["table"] == "main" and not row["variation"]}
    facts = (
        parts.fact(len(results.rows), "cell"),
        parts.fact(len({row["seed"] for row in results.choices}), "training"),
        parts.fact(len({row["contender"] for row in results.choices}), "contender"),
        parts.fact(len(links), "link"),
        f"{parts.fact(experiment.samples, 'sample')} a cell",
    )
    return parts.header(experiment.name, experiment.question, facts, _BASIS)


_BASIS = (
    "Simulated on virtual time: pictures, JPEG bytes and the models' answers are real, links are replayed traces. The "
    "server's durations are measured, the device's are assumed from them, energy is a model's: a what-if."
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
        f"Durations of the server: {experiment.times.source}.",
        f"Trainings: {', '.join(seeds)}. With few of them intervals are rather too narrow.",
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
