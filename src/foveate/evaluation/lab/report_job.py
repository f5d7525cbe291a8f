"""Everything that an experiment leaves: tables, verdict, figures, one page."""

from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

import foveate
from foveate.core import FoveateError
from foveate.evaluation.lab.compare import Comparison
from foveate.evaluation.lab.figures import draw_all
from foveate.evaluation.lab.page import page
from foveate.evaluation.lab.provenance import provenances_of
from foveate.evaluation.lab.report_data import ReportData
from foveate.evaluation.lab.standings import Ranking, Standing
from foveate.evaluation.lab.tables import write_tables
from foveate.evaluation.lab.verdict import REFERENCE_NAMES, Verdict


def report_job(comparison: Comparison, out: Path, *, console: Console, parquet: bool = False) -> list[Verdict]:
    """Write tables and verdict under `out`, and print the latter. Raises `FoveateError` without a finished cell."""
    if not comparison.cells:
        why = f"see {out / 'failures.json'}" if comparison.failures else "the same command goes on"
        raise FoveateError(f"no cell of experiment {comparison.experiment.name} is finished: {why}")
    data = ReportData(comparison=comparison)
    write_tables(comparison.cells, out, parquet=parquet)
    _write_verdict(out / "verdict.json", comparison, data.verdicts)
    figures = [(where, list(draw_all(data, where))) for where in data.mains]
    for drawn in (drawn for _, several in figures for drawn in several):
        drawn.write(out / "figures")
    (out / "report.html").write_text(page(data, figures, provenances_of(comparison)), encoding="utf-8")
    verdicts = data.verdicts
    for verdict in verdicts:
        _print(verdict, console)
    finished = len({stored.cell.key for _, stored in comparison.cells})
    if finished < comparison.wanted_cells:
        console.print(
            f"{finished} of {comparison.wanted_cells} cells are finished: the same command goes on", style="yellow"
        )
    if comparison.failures:
        console.print(f"{len(comparison.failures)} steps failed: {out / 'failures.json'}", style="red")
    console.print(f"wrote {out / 'report.html'}")
    return verdicts


def _print(verdict: Verdict, console: Console) -> None:
    console.print(f"\n{verdict.headline}.", style="bold", markup=False)
    for sentence in verdict.sentences:
        console.print(sentence, markup=False)
    for ranking in verdict.rankings:
        console.print(_table(ranking))


def _table(ranking: Ranking) -> Table:
    table = Table(title=f"{ranking.where}, by {REFERENCE_NAMES[ranking.reference]}", title_justify="left")
    for name in ("contender", "cells", "median (95 %)", "quartiles", "from first results"):
        table.add_column(name)
    for standing in ranking.standings:
        table.add_row(
            standing.contender,
            str(standing.cells),
            _median(standing, enough=ranking.enough),
            f"{standing.quartiles[0]:.3f} to {standing.quartiles[1]:.3f}",
            "-" if standing.after_start is None else f"{standing.after_start:.3f}",
        )
    return table


def _median(standing: Standing, *, enough: bool) -> str:
    median = standing.median
    return f"{median.value:.3f} ({median.low:.3f} to {median.high:.3f})" if enough else f"{median.value:.3f}"


def _write_verdict(path: Path, comparison: Comparison, verdicts: list[Verdict]) -> None:
    """For programs: the same figures as on the page."""
    content: dict[str, Any] = {
        "experiment": comparison.experiment.name,
        "version": foveate.__version__,
        "cells": len(comparison.cells),
        "failures": len(comparison.failures),
        "verdicts": [
            {"kind": v.kind, "headline": v.headline, "sentences": v.sentences, "rankings": v.rankings} for v in verdicts
        ],
        "clips": comparison.quality,
    }
    path.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n")
