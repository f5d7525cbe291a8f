"""Everything that an experiment leaves: tables, verdict, figures, one page."""

from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

import foveate
from foveate.core import FoveateError
from foveate.evaluation.lab.compare import Comparison
from foveate.evaluation.lab.standings import Ranking
from foveate.evaluation.lab.tables import cell_records, write_tables
from foveate.evaluation.lab.verdict import REFERENCE_NAMES, Verdict, verdicts_of


def report_job(comparison: Comparison, out: Path, *, console: Console, parquet: bool = False) -> list[Verdict]:
    """Write tables and verdict under `out`, and print the latter. Raises `FoveateError` without a finished cell."""
    if not comparison.cells:
        raise FoveateError(f"no cell of experiment {comparison.experiment.name} succeeded: see {out / 'failures.json'}")
    write_tables(comparison.cells, out, parquet=parquet)
    first = comparison.experiment.contenders[0].label
    verdicts = verdicts_of(cell_records(comparison.cells), first=first)
    _write_verdict(out / "verdict.json", comparison, verdicts)
    for verdict in verdicts:
        _print(verdict, console)
    if comparison.failures:
        console.print(f"{len(comparison.failures)} steps failed: {out / 'failures.json'}", style="red")
    console.print(f"wrote {out}")
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
            f"{standing.median.value:.3f} ({standing.median.low:.3f} to {standing.median.high:.3f})",
            f"{standing.quartiles[0]:.3f} to {standing.quartiles[1]:.3f}",
            "-" if standing.after_start is None else f"{standing.after_start:.3f}",
        )
    return table


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
