"""One page that holds a whole comparison: verdict, figures, tables."""

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape

import foveate
from foveate.evaluation.lab import page_parts as parts
from foveate.evaluation.lab.experiment import BestOf, Contender
from foveate.evaluation.lab.figures import Drawn
from foveate.evaluation.lab.page_tables import (
    clip_table,
    difference_table,
    figure_table,
    sensitivity_table,
    standing_table,
    trace_table,
    video_table,
)
from foveate.evaluation.lab.phrases import counted, listed
from foveate.evaluation.lab.provenance import Provenances
from foveate.evaluation.lab.report_data import ReportData
from foveate.evaluation.lab.standings import Slice, slice_of
from foveate.evaluation.lab.verdict import Verdict

_WORDS = (
    (
        "Rendering F1",
        "Of what the user sees, over all frames of a cell: hits, false alarms and misses are summed, IoU at least 0.5.",
    ),
    ("Exact truth", "What the renderer drew. Real clips have none."),
    (
        "Model's own results",
        "The same model at full resolution on every frame: what offloading loses, and no more than the model knows.",
    ),
    (
        "Independent detector",
        "Boxes of another network, score 0.35 or more: agreement with it, not truth.",
    ),
    (
        "Ignored",
        "Crowds, objects less than a quarter visible, boxes under 16 pixels high at 1080p (24 at 4K): not counted.",
    ),
    (
        "Interval",
        "95 % of the draws of a bootstrap over videos and, apart from them, recordings. Each stands for itself.",
    ),
    (
        "Surely",
        "The interval of the mean difference leaves 0 out, with 3 videos and 3 recordings at least.",
    ),
)


def page(data: ReportData, figures: Sequence[tuple[Slice, Sequence[Drawn]]], provenances: Provenances) -> str:
    """The whole document."""
    experiment = data.comparison.experiment
    body = [
        _header(data, provenances),
        *([_card(verdict) for verdict in data.verdicts] or [parts.no_verdict()]),
        parts.note(provenances.sentences),
        _contents(figures),
        *(_section(data, where, drawn) for where, drawn in figures),
        _tells(data),
        _reading(data),
        _footer(data, provenances),
    ]
    return parts.document(experiment.name, body)


def _header(data: ReportData, provenances: Provenances) -> str:
    experiment, cells = data.comparison.experiment, [stored.cell for _, stored in data.comparison.cells]
    kinds = Counter({cell.clip.name: cell.clip.kind for cell in cells}.values())
    facts = (
        f"<b>{_finished(data):,}</b> of {counted(data.comparison.wanted_cells, 'cell')}",
        f"{parts.fact(kinds.total(), 'clip')} ({', '.join(f'{count} {kind}' for kind, count in kinds.items())})",
        parts.fact(len({(cell.trace.name, cell.trace.group) for cell in cells}), "trace"),
        parts.fact(len({cell.offset_number for cell in cells}), "start"),
        parts.fact(len(data.labels), "contender"),
        f"<b>{experiment.seconds:g} s</b> a cell",
    )
    warnings = [*_unfinished(data), *parts.failures_fact(data.comparison.failures)]
    return parts.header(experiment.name, experiment.question, facts, provenances.basis, warnings)


def _finished(data: ReportData) -> int:
    return len({stored.cell.key for _, stored in data.comparison.cells})


def _unfinished(data: ReportData) -> list[str]:
    if _finished(data) == data.comparison.wanted_cells:
        return []
    counts = [(len(next(iter(data.cells(where).values()), [])), where.kind) for where in data.mains]
    each = listed([f"{counted(count, 'cell')} on {kind} clips" for count, kind in counts])
    return [f"<b>Not all cells are finished.</b> Only those count that every contender has: in the main tables {each}."]


def _card(verdict: Verdict) -> str:
    return parts.card(f"verdict-{verdict.kind}", verdict.state, verdict.headline, verdict.sentences)


def _contents(figures: Sequence[tuple[Slice, Sequence[Drawn]]]) -> str:
    rows = []
    for where, several in figures:
        links = [f'<a href="#{escape(drawn.name)}">{escape(drawn.title)}</a>' for drawn in several]
        links.append(f'<a href="#tables-{where.kind}">Tables</a>')
        rows.append(f"<p><b>{escape(where.kind.capitalize())} clips</b>{''.join(links)}</p>")
    return f"<nav>{''.join(rows)}</nav>"


def _section(data: ReportData, where: Slice, drawn: Iterable[Drawn]) -> str:
    pictures = "".join(map(parts.figure_block, drawn))
    tables = [standing_table(data, where, reference) for reference in data.references(where)]
    tables += [
        draw(data, where)
        for draw in (difference_table, sensitivity_table, video_table, trace_table, figure_table, clip_table)
    ]
    content = f'{pictures}<div id="tables-{where.kind}">{"".join(tables)}</div>'
    return parts.section(f"{where.kind.capitalize()} clips", content, where=_extent(data, where))


def _extent(data: ReportData, where: Slice) -> str:
    """How much the tables of a slice rest on."""
    cells = [stored.cell for stored in next(iter(data.cells(where).values()), [])]
    counts = (
        counted(len({cell.clip.name for cell in cells}), "clip"),
        f"{counted(len({cell.trace.name for cell in cells}), 'trace')} ({where.traces})",
        counted(len({cell.offset_number for cell in cells}), "start"),
    )
    return (
        f"{counted(len(cells), 'cell')} for each contender: {', '.join(counts)}. Transport {where.transport}, "
        f"durations {where.machine}."
    )


def _tells(data: ReportData) -> str:
    """What is to be learned from each contender, where the experiment says so."""
    rows = [row for row in data.comparison.experiment.rows if row.tells]
    if not rows:
        return ""
    told = [(row.label, f"{escape(row.tells)}{_picks(data, row)}") for row in rows]
    return parts.section("What each contender tells", parts.definitions(told), name="tells")


def _picks(data: ReportData, row: Contender | BestOf) -> str:
    """Of a row that was told afterwards, what was best on each video of the main tables."""
    if isinstance(row, Contender):
        return ""
    mains = set(data.mains)
    picks = {
        str(record["video"]): str(record["policy"])
        for record in data.records
        if record["contender"] == row.label and slice_of(record) in mains
    }
    return "".join(f"<br>{escape(video)}: {escape(policy)}" for video, policy in picks.items())


def _reading(data: ReportData) -> str:
    expected = f"<p><b>Expected beforehand:</b> {escape(data.comparison.experiment.expected)}</p>"
    words = parts.definitions([(name, escape(text)) for name, text in _WORDS])
    return parts.section("How to read this", expected + words, name="reading")


def _footer(data: ReportData, provenances: Provenances) -> str:
    code = f"{', '.join(provenances.codes)}. {provenances.code_warning}".strip()
    tables = ("cells", "offloads", "frames", "objects", "choices")
    return parts.footer(tables, f"foveate {foveate.__version__}, code {code}", data.comparison.failures)
