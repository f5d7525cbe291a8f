"""One page that holds a whole report: no script, no network, light and dark."""

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
)
from foveate.evaluation.lab.provenance import Provenances
from foveate.evaluation.lab.report_data import ReportData
from foveate.evaluation.lab.standings import Slice, slice_of
from foveate.evaluation.lab.verdict import Verdict

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
        "95 % of the draws of a two-way cluster bootstrap: videos and recordings drawn with replacement, each apart.",
    ),
)


def page(data: ReportData, figures: Sequence[tuple[Slice, Sequence[Drawn]]], provenances: Provenances) -> str:
    """The whole document."""
    experiment = data.comparison.experiment
    body = [
        _header(data),
        *(_verdict_card(verdict) for verdict in data.verdicts),
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


def _header(data: ReportData) -> str:
    experiment, cells = data.comparison.experiment, data.comparison.cells
    clips = {stored.cell.clip.name for _, stored in cells}
    traces = {(stored.cell.trace.name, stored.cell.trace.group) for _, stored in cells}
    facts = (
        (len({stored.cell.key for _, stored in cells}), f"of {data.comparison.wanted_cells} cells"),
        (len(clips), "clips"),
        (len(traces), "traces"),
        (len(data.labels), "contenders"),
        (f"{experiment.seconds:g} s", "each"),
    )
    counted = "".join(f"<li><b>{value}</b> {escape(name)}</li>" for value, name in facts)
    return (
        f'<header><p class="brand">foveate · comparison</p><h1>{escape(experiment.name)}</h1>'
        f'<p class="question">{escape(experiment.question)}</p><ul class="facts">{counted}</ul></header>'
    )


def _verdict_card(verdict: Verdict) -> str:
    state = "disagree" if verdict.disagree else "sure" if _sure(verdict) else "open"
    mark = {"disagree": "truths disagree", "sure": "clear", "open": "not settled"}[state]
    sentences = "".join(f"<p>{escape(sentence)}</p>" for sentence in verdict.sentences)
    return (
        f'<section class="verdict {state}" id="verdict-{verdict.kind}"><p class="mark">Verdict · {escape(mark)}</p>'
        f"<h2>{escape(verdict.headline)}.</h2>{sentences}</section>"
    )


def _sure(verdict: Verdict) -> bool:
    lead = verdict.rankings[0].to_next
    return lead is not None and lead.sure


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
    tables += [difference_table(data, where), figure_table(data, where)]
    tables += [sensitivity_table(data, where), clip_table(data, where)]
    return (
        f'<section class="kind"><h2 class="rule">{escape(where.kind.capitalize())} clips</h2>'
        f'<p class="where">{escape(str(where))}</p>{pictures}<div id="tables-{where.kind}">'
        + "".join(table for table in tables if table)
        + "</div></section>"
    )


def figure_block(drawn: Drawn) -> str:
    """A figure with its caption and its files."""
    return (
        f'<figure id="{escape(drawn.name)}"><h3>{escape(drawn.title)}</h3>{drawn.inline_svg()}'
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
    listed = "".join(f"<li>{escape(f.what)}: {escape(f.problem)}</li>" for f in failures[:50])
    failed = f'<p class="failed"><b>{len(failures)} steps failed</b></p><ul>{listed}</ul>' if failures else ""
    tables = " ".join(
        f'<a href="{name}.csv">{name}.csv</a>' for name in ("cells", "offloads", "frames", "objects", "choices")
    )
    return (
        f"<footer>{failed}<p>Every row: {tables}</p><p>foveate {foveate.__version__}, code "
        f"{escape(', '.join(provenances.codes))}. {escape(provenances.code_warning)}</p></footer>"
    )
