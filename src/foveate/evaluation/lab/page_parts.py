"""What every report's page is made of: no script, no network, light and dark."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from foveate.evaluation.lab.figures import Drawn
from foveate.evaluation.lab.phrases import counted
from foveate.evaluation.lab.store import Failure
from foveate.evaluation.lab.verdict import State

_STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
_MARKS: dict[State, str] = {
    "sure": "clear",
    "few": "likely, by few videos or recordings",
    "open": "not settled",
    "disagree": "truths disagree",
}
_MOST_FAILURES = 50


def document(title: str, body: Sequence[str]) -> str:
    """A whole page in the house style around blocks of HTML."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # Browsers ask for an icon; an empty one asks nobody.
        f'<link rel="icon" href="data:,">\n<title>{escape(title)} · foveate</title>\n'
        f"<style>\n{_STYLE}</style>\n</head>\n<body>\n<main>\n" + "\n".join(body) + "\n</main>\n</body>\n</html>\n"
    )


def header(title: str, question: str, facts: Sequence[str], basis: str, warnings: Sequence[str] = ()) -> str:
    """Title, question, how much was computed, what is simulated, what is missing. Facts and warnings are HTML."""
    listed_facts = "".join(f"<li>{fact}</li>" for fact in facts)
    return (
        f'<header><p class="brand">foveate · comparison</p><h1>{escape(title)}</h1>'
        f'<p class="question">{escape(question)}</p><ul class="facts">{listed_facts}</ul>'
        f'<p class="basis">{escape(basis)}</p>'
        + "".join(f'<p class="interim">{warning}</p>' for warning in warnings)
        + "</header>"
    )


def fact(number: int, noun: str) -> str:
    """`<b>3</b> clips`."""
    count, _, name = counted(number, noun).partition(" ")
    return f"<b>{count}</b> {escape(name)}"


def failures_fact(failures: Sequence[Failure]) -> list[str]:
    """A warning that points to the footer; none where nothing failed."""
    return [f'<a href="#failures">{counted(len(failures), "step")} failed</a>.'] if failures else []


def card(name: str, state: State, headline: str, sentences: Sequence[str], *, mark: str = "") -> str:
    """A verdict. `name`: its id in the page; `mark`: how settled it is, in place of the usual words for its state."""
    told = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    settled = escape(mark or _MARKS[state])
    return (
        f'<section class="verdict {state}" id="{escape(name)}"><p class="mark">Verdict · {settled}</p>'
        f"<h2>{escape(headline[0].upper() + headline[1:])}.</h2>{told}</section>"
    )


def no_verdict() -> str:
    """In place of one."""
    return (
        '<section class="verdict open" id="verdict"><p class="mark">No verdict</p><h2>Nothing can be ranked yet.</h2>'
        "<p>No cell was finished by every contender.</p></section>"
    )


def note(sentences: Sequence[str]) -> str:
    """Where the numbers come from: the first sentence is always seen, the rest folded."""
    first, *rest = (f"<p>{escape(sentence)}</p>" for sentence in sentences)
    folded = f"<details><summary>All that was measured and assumed</summary>{''.join(rest)}</details>" if rest else ""
    mark = '<p class="mark">Where the numbers come from</p>'
    return f'<section class="note" id="provenance">{mark}{first}{folded}</section>'


def section(title: str, content: str, *, name: str = "", where: str = "") -> str:
    """A part of the page under a heading. `name`: its id; `where`: what it rests on."""
    identity = f' id="{escape(name)}"' if name else ""
    extent = f'<p class="where">{escape(where)}</p>' if where else ""
    return f'<section class="kind"{identity}><h2 class="rule">{escape(title)}</h2>{extent}{content}</section>'


def figure_block(drawn: Drawn) -> str:
    """A figure with its caption and its files."""
    return (
        f'<figure id="{escape(drawn.name)}"><h3>{escape(drawn.title)}</h3>'
        f'<div class="scroll">{drawn.inline_svg()}</div>'
        f"<figcaption>{escape(drawn.caption)} "
        f'<a href="figures/{drawn.name}.png">PNG</a> <a href="figures/{drawn.name}.svg">SVG</a></figcaption></figure>'
    )


def definitions(words: Sequence[tuple[str, str]]) -> str:
    """Names and what they mean; the second may be HTML."""
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{text}</dd>" for name, text in words) + "</dl>"


def footer(tables: Sequence[str], program: str, failures: Sequence[Failure] = ()) -> str:
    """What failed, the CSV files beside the page, by what it was made."""
    rows = "".join(f"<li>{escape(f.what)}: {escape(f.problem)}</li>" for f in failures[:_MOST_FAILURES])
    title = f'<p class="failed" id="failures"><b>{counted(len(failures), "step")} failed</b></p>'
    failed = f"{title}<ul>{rows}</ul>" if failures else ""
    files = " ".join(f'<a href="{name}.csv">{name}.csv</a>' for name in tables)
    return f"<footer>{failed}<p>Every row, in files beside this page: {files}</p><p>{escape(program)}</p></footer>"
