"""One page that holds a whole report: no script, no network, light and dark."""

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import foveate
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
from foveate.evaluation.lab.verdict import State, Verdict

_STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")

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
        *([_verdict_card(verdict) for verdict in data.verdicts] or [_no_verdict()]),
        _what_if(provenances),
        _contents(figures),
        *(_section(data, where, drawn) for where, drawn in figures),
        _tells(data),
        _reading(data),
        _footer(data, provenances),
    ]
    return document(experiment.name, body)


def document(title: str, body: Sequence[str]) -> str:
    """A whole page in the house style around blocks of HTML."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # Browsers ask for an icon; an empty one asks nobody.
        f'<link rel="icon" href="data:,">\n<title>{escape(title)} · foveate</title>\n'
        f"<style>\n{_STYLE}</style>\n</head>\n<body>\n<main>\n" + "\n".join(body) + "\n</main>\n</body>\n</html>\n"
    )


def _header(data: ReportData, provenances: Provenances) -> str:
    experiment, cells = data.comparison.experiment, [stored.cell for _, stored in data.comparison.cells]
    kinds = Counter({cell.clip.name: cell.clip.kind for cell in cells}.values())
    traces = {(cell.trace.name, cell.trace.group) for cell in cells}
    facts = (
        f"<b>{_finished(data):,}</b> of {counted(data.comparison.wanted_cells, 'cell')}",
        f"{_bold(sum(kinds.values()), 'clip')} ({', '.join(f'{count} {kind}' for kind, count in kinds.items())})",
        _bold(len(traces), "trace"),
        _bold(len({cell.offset_number for cell in cells}), "start"),
        _bold(len(data.labels), "contender"),
        f"<b>{experiment.seconds:g} s</b> a cell",
    )
    listed_facts = "".join(f"<li>{fact}</li>" for fact in facts)
    return (
        f'<header><p class="brand">foveate · comparison</p><h1>{escape(experiment.name)}</h1>'
        f'<p class="question">{escape(experiment.question)}</p><ul class="facts">{listed_facts}</ul>'
        f'<p class="basis">{escape(provenances.basis)}</p>{_interim(data)}</header>'
    )


def _bold(number: int, noun: str) -> str:
    count, _, name = counted(number, noun).partition(" ")
    return f"<b>{count}</b> {escape(name)}"


def _finished(data: ReportData) -> int:
    return len({stored.cell.key for _, stored in data.comparison.cells})


def _interim(data: ReportData) -> str:
    """What is not there yet, and what failed; empty where all is well."""
    told = []
    if _finished(data) < data.comparison.wanted_cells:
        counts = [(len(next(iter(data.cells(where).values()), [])), where.kind) for where in data.mains]
        each = listed([f"{counted(count, 'cell')} on {kind} clips" for count, kind in counts])
        told.append(
            f"<b>Not all cells are finished.</b> Only those count that every contender has: in the main tables {each}."
        )
    if data.comparison.failures:
        told.append(f'<a href="#failures">{counted(len(data.comparison.failures), "step")} failed</a>.')
    return "".join(f'<p class="interim">{sentence}</p>' for sentence in told)


def _no_verdict() -> str:
    return (
        '<section class="verdict open" id="verdict"><p class="mark">No verdict</p><h2>Nothing can be ranked yet.</h2>'
        "<p>No cell was finished by every contender.</p></section>"
    )


_MARKS: dict[State, str] = {
    "sure": "clear",
    "few": "likely, by few videos or recordings",
    "open": "not settled",
    "disagree": "truths disagree",
}


def _verdict_card(verdict: Verdict) -> str:
    sentences = "".join(f"<p>{escape(sentence)}</p>" for sentence in verdict.sentences)
    headline = verdict.headline[0].upper() + verdict.headline[1:]
    return (
        f'<section class="verdict {verdict.state}" id="verdict-{verdict.kind}">'
        f'<p class="mark">Verdict · {escape(_MARKS[verdict.state])}</p>'
        f"<h2>{escape(headline)}.</h2>{sentences}</section>"
    )


def _what_if(provenances: Provenances) -> str:
    rows = "".join(f"<p>{escape(sentence)}</p>" for sentence in provenances.sentences)
    return f'<section class="note" id="provenance"><p class="mark">Where the numbers come from</p>{rows}</section>'


def _contents(figures: Sequence[tuple[Slice, Sequence[Drawn]]]) -> str:
    rows = []
    for where, several in figures:
        links = [f'<a href="#{escape(drawn.name)}">{escape(drawn.title)}</a>' for drawn in several]
        links.append(f'<a href="#tables-{where.kind}">Tables</a>')
        rows.append(f"<p><b>{escape(where.kind.capitalize())} clips</b>{''.join(links)}</p>")
    return f"<nav>{''.join(rows)}</nav>"


def _section(data: ReportData, where: Slice, drawn: Iterable[Drawn]) -> str:
    pictures = "".join(figure_block(figure) for figure in drawn)
    tables = [standing_table(data, where, reference) for reference in data.references(where)]
    tables += [
        draw(data, where)
        for draw in (difference_table, sensitivity_table, video_table, trace_table, figure_table, clip_table)
    ]
    return (
        f'<section class="kind"><h2 class="rule">{escape(where.kind.capitalize())} clips</h2>'
        f'<p class="where">{escape(_extent(data, where))}</p>{pictures}<div id="tables-{where.kind}">'
        + "".join(table for table in tables if table)
        + "</div></section>"
    )


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


def figure_block(drawn: Drawn) -> str:
    """A figure with its caption and its files."""
    return (
        f'<figure id="{escape(drawn.name)}"><h3>{escape(drawn.title)}</h3>'
        f'<div class="scroll">{drawn.inline_svg()}</div>'
        f"<figcaption>{escape(drawn.caption)} "
        f'<a href="figures/{drawn.name}.png">PNG</a> <a href="figures/{drawn.name}.svg">SVG</a></figcaption></figure>'
    )


def _tells(data: ReportData) -> str:
    """What is to be learned from each contender, where the experiment says so."""
    rows = [row for row in data.comparison.experiment.rows if row.tells]
    if not rows:
        return ""
    told = "".join(f"<dt>{escape(row.label)}</dt><dd>{escape(row.tells)}{_picks(data, row)}</dd>" for row in rows)
    return f'<section class="kind" id="tells"><h2 class="rule">What each contender tells</h2><dl>{told}</dl></section>'


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
    words = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in _WORDS)
    return (
        '<section class="kind" id="reading"><h2 class="rule">How to read this</h2>'
        f"<p><b>Expected beforehand:</b> {escape(data.comparison.experiment.expected)}</p><dl>{words}</dl></section>"
    )


def _footer(data: ReportData, provenances: Provenances) -> str:
    failures = data.comparison.failures
    rows = "".join(f"<li>{escape(f.what)}: {escape(f.problem)}</li>" for f in failures[:50])
    title = f'<p class="failed" id="failures"><b>{counted(len(failures), "step")} failed</b></p>'
    failed = f"{title}<ul>{rows}</ul>" if failures else ""
    tables = " ".join(
        f'<a href="{name}.csv">{name}.csv</a>' for name in ("cells", "offloads", "frames", "objects", "choices")
    )
    code = f"{', '.join(provenances.codes)}. {provenances.code_warning}".strip()
    return (
        f"<footer>{failed}<p>Every row, in files beside this page: {tables}</p><p>foveate {foveate.__version__}, code "
        f"{escape(code)}</p></footer>"
    )
