"""What an experiment on answering policies leaves: `report.html`, `report.md`, figures, tables as CSV."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console

from foveate.core import FoveateError, MediaError
from foveate.evaluation.answer_tables import COLUMNS
from foveate.evaluation.lab.answering.compare import AnswerComparison, Entry
from foveate.evaluation.lab.answering.drawings import draw_answers
from foveate.evaluation.lab.answering.page import answer_page
from foveate.evaluation.lab.answering.standings import (
    FIGURES,
    AnswerTable,
    Standing,
    answer_tables,
    enough,
    without_score,
)
from foveate.evaluation.lab.answering.sweeps import draw_sweeps
from foveate.evaluation.lab.answering.verdict import AnswerVerdict, answer_verdicts
from foveate.evaluation.lab.statistics import LEAST_CLUSTERS, Interval

_COLUMNS = (
    "",
    "cells",
    "answers",
    "AP50 per frame",
    "AP50 streaming",
    "fps",
    "latency ms",
    "p95 ms",
    "deviation %",
    "missed %",
    "kB / answer",
)
_IDENTITY = ("contender", "condition", "video", "kind", "trace", "recording", "offset_number", "cell")


def report_answers(comparison: AnswerComparison, out: Path, *, console: Console) -> list[AnswerTable]:
    """Write everything under `out`. Raises `FoveateError` without a finished cell, `MediaError` on a full disk."""
    if not comparison.cells:
        raise FoveateError(f"no cell of experiment {comparison.experiment.name} succeeded: see {out / 'failures.json'}")
    tables = answer_tables(comparison)
    verdicts = answer_verdicts(tables, comparison.experiment.compared_with)
    try:
        _write_csv(out / "cells.csv", _cell_rows(comparison.cells))
        _write_csv(out / "answers.csv", _answer_rows(comparison.cells), head=(*_IDENTITY, *COLUMNS))
        _write_csv(out / "tables.csv", _table_rows(tables))
        (out / "report.md").write_text(page(comparison, tables), encoding="utf-8")
        _write_page(comparison, tables, verdicts, out)
    except OSError as error:
        raise MediaError(f"cannot write {error.filename}: {error.strerror}") from error
    for verdict in verdicts:
        console.print(f"{verdict.headline}.", markup=False, highlight=False)
    console.print(
        f"wrote {out / 'report.html'} and report.md: {len(comparison.cells)} rows of cells, {len(tables)} tables"
    )
    if comparison.failures:
        console.print(f"{len(comparison.failures)} steps failed: {out / 'failures.json'}", style="red")
    return tables


def _write_page(
    comparison: AnswerComparison, tables: Sequence[AnswerTable], verdicts: Sequence[AnswerVerdict], out: Path
) -> None:
    labels = list(dict.fromkeys(entry[0].label for entry in comparison.cells))
    figures = [(table, draw_answers(table, labels)) for table in tables if table.main]
    sweeps = draw_sweeps(tables, labels)
    for drawn in (*(drawn for _, several in figures for drawn in several), *sweeps):
        drawn.write(out / "figures")
    text = answer_page(comparison, tables, verdicts, figures, sweeps=sweeps, made_of=counted_words)
    (out / "report.html").write_text(text, encoding="utf-8")


def page(comparison: AnswerComparison, tables: Sequence[AnswerTable]) -> str:
    """The report."""
    experiment = comparison.experiment
    finished = len({entry[2].cell.key for entry in comparison.cells})
    how = (
        f"{finished} of {comparison.wanted} cells are finished; cells last {experiment.seconds:g} s. Durations of "
        f"device and cloud: {experiment.pairs[0].origin}. Intervals: 95 %, two-way cluster bootstrap over clips and "
        f"source recordings; of one clip over the recordings alone, which says nothing of other clips; left out where "
        f"there are fewer than {LEAST_CLUSTERS} recordings, or two clips."
    )
    parts = [
        f"# {experiment.name}",
        f"{experiment.question} Expected: {experiment.expected}",
        how,
        _published(comparison),
        *(_section(table, experiment.compared_with) for table in tables),
        _winners(tables),
    ]
    if bare := without_score(comparison):
        parts.append(f"Not in the tables, for no truth covers frames that were answered: {', '.join(bare)}.")
    codes = {entry[2].code for entry in comparison.cells}
    if len(codes) > 1:
        parts.append(f"The cells were computed by {len(codes)} different states of the program.")
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(table: AnswerTable, focus: str) -> str:
    head = f"## {table.where}: {table.condition.label}"
    names = [*_COLUMNS, f"AP50 of {focus} - this"]
    rows = [_row(_cells(standing, table)) for standing in table.standings]
    lines = [_row(names), _row(["---"] * len(names)), *rows]
    notes = [f"- {s.contender}: {counted_words(s)}" for s in table.standings]
    if any(standing.cells != table.common for standing in table.standings):
        notes.append(f"- Means are over other cells for other contenders; all have {table.common} in common.")
    return "\n".join([head, "", *lines, "", *notes])


def _cells(standing: Standing, table: AnswerTable) -> list[str]:
    of, difference = standing.intervals, table.differences.get(standing.contender)
    return [
        standing.contender,
        str(standing.cells),
        str(standing.answers),
        _interval(of.get("per_frame"), enough=enough(standing)),
        _interval(of.get("streaming"), enough=enough(standing)),
        _value(of, "frame_rate_fps", 1, 2),
        _value(of, "frame_latency_s_mean", 1000, 0),
        _value(of, "frame_latency_s_p95", 1000, 0),
        _value(of, "latency_deviation", 100, 1),
        _value(of, "violation_rate", 100, 1),
        _value(of, "bytes_per_answer", 1e-3, 1),
        "-" if difference is None else _interval(difference.mean, enough=enough(difference), sign=True),
    ]


def counted_words(standing: Standing) -> str:
    """What answers were made of, and the qualities that were chosen most."""
    made = [f"{name.removeprefix('made of ')} {n}" for name, n in standing.counts.items() if name.startswith("made")]
    chosen = sorted(
        ((n, name.removeprefix("qualities ")) for name, n in standing.counts.items() if name.startswith("qualities")),
        reverse=True,
    )
    words = ["answers made of " + ", ".join(made)] if made else []
    if chosen:
        words.append("qualities " + ", ".join(f"{name} ({n})" for n, name in chosen[:5]))
    if standing.above_expected is not None:
        words.append(f"{100 * standing.above_expected:.0f} % of frames larger than predicted")
    return "; ".join(words)


def _winners(tables: Sequence[AnswerTable]) -> str:
    """Who has the greatest AP50 on each machine and at each deadline, over the cells that all contenders have."""
    lines = [_row(("clips", "condition", "greatest AP50 per frame", "AP50 of all its cells"))]
    lines.append(_row(["---"] * 4))
    for table in tables:
        best = next((s for s in table.standings if s.contender == table.winner), None)
        if best is not None:
            score = f"{best.intervals['per_frame'].value:.3f}"
            lines.append(_row((table.kind, table.condition.label, best.contender, score)))
    return "\n".join(["## Who wins where", "", *lines])


def _published(comparison: AnswerComparison) -> str:
    """Beside ours, never in one table: other clips, other networks."""
    published = comparison.experiment.published
    if not published:
        return ""
    lines = [
        f"- {label}: " + ", ".join(f"{name} {value:g}" for name, value in figures.items())
        for label, figures in published.items()
    ]
    return "\n".join(["Published, on other clips, models and machines:", "", *lines])


def _interval(interval: Interval | None, *, enough: bool, sign: bool = False) -> str:
    if interval is None:
        return "-"
    plus = "+" if sign else ""
    value = f"{interval.value:{plus}.3f}"
    return f"{value} ({interval.low:{plus}.3f} to {interval.high:{plus}.3f})" if enough else value


def _value(intervals: dict[str, Interval], name: str, factor: float, digits: int) -> str:
    return f"{factor * intervals[name].value:.{digits}f}" if name in intervals else "-"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _identity(entry: Entry) -> dict[str, object]:
    contender, condition, stored = entry
    cell = stored.cell
    values = (
        contender.label,
        condition.label,
        cell.clip.name,
        cell.clip.kind,
        cell.trace.name,
        cell.trace.cluster,
        cell.offset_number,
        cell.key,
    )
    return dict(zip(_IDENTITY, values, strict=True))


def _cell_rows(cells: Sequence[Entry]) -> list[dict[str, object]]:
    return [{**_identity(entry), "policy": entry[2].cell.policy, **entry[2].result.figures} for entry in cells]


def _answer_rows(cells: Sequence[Entry]) -> Iterable[dict[str, object]]:
    for entry in cells:
        for row in entry[2].result.answers:
            yield {**_identity(entry), **dict(zip(COLUMNS, row, strict=True))}


def _table_rows(tables: Sequence[AnswerTable]) -> Iterable[dict[str, object]]:
    for table in tables:
        for standing in table.standings:
            row: dict[str, object] = {
                "condition": table.condition.label,
                "main": int(table.main),
                "kind": table.kind,
                "reference": table.reference,
                "look_s": table.condition.pair.times.look_s,
                "cloud_s": table.condition.pair.times.cloud_s,
                "deadline_s": table.deadline_s,
                "contender": standing.contender,
                "videos": table.videos,
                "recordings": table.recordings,
                "cells": standing.cells,
                "answers": standing.answers,
            }
            for name in ("per_frame", "streaming", *FIGURES):
                interval = standing.intervals.get(name)
                for part in ("value", "low", "high"):
                    row[f"{name}_{part}"] = None if interval is None else getattr(interval, part)
            yield row


def _write_csv(path: Path, rows: Iterable[dict[str, object]], *, head: Sequence[str] = ()) -> None:
    """`head`: names of columns that are there also without a row."""
    listed = list(rows)
    columns = list(dict.fromkeys([*head, *(name for row in listed for name in row)]))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows(listed)
