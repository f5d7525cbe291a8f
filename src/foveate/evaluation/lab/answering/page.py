"""The page on answering policies, in the lab's form: verdict, figures, tables."""

from collections.abc import Callable, Sequence
from html import escape

import foveate
from foveate.evaluation.lab import page_parts as parts
from foveate.evaluation.lab.answering.compare import AnswerComparison
from foveate.evaluation.lab.answering.standings import AnswerTable, Standing, enough, without_score
from foveate.evaluation.lab.answering.verdict import AnswerVerdict
from foveate.evaluation.lab.figures.style import Drawn
from foveate.evaluation.lab.phrases import counted, interval_text, score_text
from foveate.evaluation.lab.statistics import LEAST_CLUSTERS, Interval
from foveate.evaluation.lab.table_block import NONE, Row, table_block

_TIMES = (
    ("fps", "frame_rate_fps", 1, 2),
    ("latency, ms", "frame_latency_s_mean", 1000, 0),
    ("p95, ms", "frame_latency_s_p95", 1000, 0),
    ("deviation, %", "latency_deviation", 100, 1),
    ("missed, %", "violation_rate", 100, 1),
    ("kB an answer", "bytes_per_answer", 1e-3, 1),
)
"""Heading, figure, factor, decimals."""


MadeOf = Callable[[Standing], str]
"""What the answers of a contender were made of, in words; empty where nothing is known."""


def answer_page(
    comparison: AnswerComparison,
    tables: Sequence[AnswerTable],
    verdicts: Sequence[AnswerVerdict],
    figures: Sequence[tuple[AnswerTable, Sequence[Drawn]]],
    *,
    sweeps: Sequence[Drawn],
    made_of: MadeOf,
) -> str:
    """The whole document."""
    body = [
        _header(comparison),
        *(map(_card, verdicts) if verdicts else [parts.no_verdict()]),
        _origins(comparison),
        *(_main(table, drawn, comparison.experiment.compared_with, made_of) for table, drawn in figures),
        _others([table for table in tables if not table.main], sweeps, comparison.experiment.compared_with),
        _footer(comparison),
    ]
    return parts.document(comparison.experiment.name, body)


def _header(comparison: AnswerComparison) -> str:
    experiment, cells = comparison.experiment, [entry[2].cell for entry in comparison.cells]
    finished = len({cell.key for cell in cells})
    facts = (
        f"<b>{finished:,}</b> of {counted(comparison.wanted, 'cell')}",
        *(
            parts.fact(number, noun)
            for number, noun in (
                (len({cell.clip.name for cell in cells}), "clip"),
                (len({(cell.trace.name, cell.trace.group) for cell in cells}), "trace"),
                (len({cell.offset_number for cell in cells}), "start"),
                (len({entry[0].label for entry in comparison.cells}), "contender"),
            )
        ),
        f"<b>{experiment.seconds:g} s</b> a cell",
    )
    told = []
    if finished < comparison.wanted:
        told.append("<b>Not all cells are finished.</b> Who wins is told over the cells that every contender has.")
    told += parts.failures_fact(comparison.failures)
    return parts.header(experiment.name, experiment.question, facts, _basis(comparison), told)


def _basis(comparison: AnswerComparison) -> str:
    return (
        "Simulated on virtual time: frames, JPEG bytes and inference are real, links are replayed traces, durations of "
        f"device and cloud are {comparison.experiment.pairs[0].origin}."
    )


def _card(verdict: AnswerVerdict) -> str:
    return parts.card(f"verdict-{verdict.kind}", verdict.state, verdict.headline, verdict.sentences)


def _origins(comparison: AnswerComparison) -> str:
    experiment = comparison.experiment
    intervals = (
        "Intervals: 95 %, two-way cluster bootstrap over clips and source recordings; of one clip over the recordings "
        f"alone; left out where there are fewer than {LEAST_CLUSTERS} recordings, or two clips. Each stands for "
        "itself: of many, a few leave 0 out by chance."
    )
    told = [
        intervals,
        f"Expected beforehand: {experiment.expected}",
        *(
            f"Published for {label}, on other clips, models and machines: "
            + ", ".join(f"{name} {value:g}" for name, value in figures.items())
            + "."
            for label, figures in experiment.published.items()
        ),
    ]
    if bare := without_score(comparison):
        told.append(f"Not in the tables, for no truth covers frames that were answered: {', '.join(bare)}.")
    return parts.note(told)


def _main(table: AnswerTable, drawn: Sequence[Drawn], focus: str, made_of: MadeOf) -> str:
    extent = f"{counted(table.videos, 'clip')}, {counted(table.recordings, 'recording')}; {table.condition.label}."
    blocks = [
        *map(parts.figure_block, drawn),
        _scores(table, focus, f"Accuracy, {table.where}"),
        _times(table, f"Time and traffic, {table.kind} clips"),
        _made(table, made_of),
    ]
    return parts.section(f"{table.kind.capitalize()} clips", "".join(blocks), where=extent)


def _made(table: AnswerTable, made_of: MadeOf) -> str:
    words = [(standing.contender, escape(made_of(standing))) for standing in table.standings if made_of(standing)]
    title = f"What answers are made of, {table.kind} clips"
    return (
        f'<details class="table"><summary><h3>{title}</h3></summary>{parts.definitions(words)}</details>'
        if words
        else ""
    )


def _others(tables: Sequence[AnswerTable], sweeps: Sequence[Drawn], focus: str) -> str:
    if not tables:
        return ""
    winners: list[Row] = [[table.condition.label, table.kind, table.common, table.winner or NONE] for table in tables]
    blocks = [
        block
        for table in tables
        for block in (
            _scores(table, focus, f"Accuracy, {table.where}: {table.condition.label}", opened=False),
            _times(table, f"Time and traffic, {table.kind} clips: {table.condition.label}", opened=False),
        )
    ]
    head = ["condition", "clips", "cells that all have", "contender"]
    drawn = [parts.figure_block(one) for one in sweeps]
    return parts.section(
        "Other conditions", "".join([*drawn, table_block("Who has the greatest AP50", head, winners), *blocks])
    )


def _scores(table: AnswerTable, focus: str, title: str, *, opened: bool = True) -> str:
    suffix = " (95 %)" if any(enough(standing) for standing in table.standings) else ""
    rows: list[Row] = []
    for standing in table.standings:
        difference = table.differences.get(standing.contender)
        rows.append(
            [
                standing.contender,
                standing.cells,
                _score(standing.intervals.get("per_frame"), known=enough(standing)),
                _score(standing.intervals.get("streaming"), known=enough(standing)),
                NONE if difference is None else _score(difference.mean, known=enough(difference), signed=True),
            ]
        )
    note = f"The last column: AP50 per frame of {focus} less that of the row, over the cells that both have."
    if any(standing.cells != table.common for standing in table.standings):
        note += f" Means are over other cells for other contenders; all have {table.common} in common."
    head = ["", "cells", f"AP50 per frame{suffix}", f"AP50 streaming{suffix}", f"{focus} less this{suffix}"]
    return table_block(title, head, rows, note, opened=opened)


def _times(table: AnswerTable, title: str, *, opened: bool = True) -> str:
    rows = [[standing.contender, f"{standing.answers:,}", *_figures(standing)] for standing in table.standings]
    note = "Deviation: of the latency from the deadline; missed: frames without an answer in time."
    return table_block(title, ["", "answers", *(heading for heading, *_ in _TIMES)], rows, note, opened=opened)


def _figures(standing: Standing) -> list[str]:
    of = standing.intervals
    return [
        f"{factor * of[name].value + 0.0:,.{digits}f}" if name in of else NONE for _, name, factor, digits in _TIMES
    ]


def _score(found: Interval | None, *, known: bool, signed: bool = False) -> str:
    if found is None:
        return NONE
    return interval_text(found, signed=signed) if known else score_text(found.value, signed=signed)


def _footer(comparison: AnswerComparison) -> str:
    codes = list(dict.fromkeys(entry[2].code for entry in comparison.cells))
    warning = f" The cells were computed by {len(codes)} different states of the program." if len(codes) > 1 else ""
    program = f"foveate {foveate.__version__}, code {', '.join(codes)}.{warning}"
    return parts.footer(("cells", "answers", "tables"), program, comparison.failures)
