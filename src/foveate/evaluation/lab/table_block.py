"""One table as HTML: it folds, scrolls by keyboard, and its first column names the rows."""

from collections.abc import Mapping, Sequence
from html import escape

NONE = "-"
"""Where there is no value."""
LONG = 20
"""Tables of more rows are folded at first."""

Row = Sequence[object]
"""Of a pair the second says whether to mark the first."""


def table_block(
    title: str,
    head: Sequence[str],
    rows: Sequence[Row] | Mapping[str, Sequence[Row]],
    note: str = "",
    *,
    opened: bool | None = None,
) -> str:
    """A table under its title, empty without rows.

    `rows`: or groups of rows by their heading. `note`: below. `opened`: whether it is unfolded; None: if it is
    short.
    """
    groups = rows if isinstance(rows, Mapping) else {"": rows}
    count = sum(len(group) for group in groups.values())
    if not count:
        return ""
    headings = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    bodies = "".join(_body(name, group, len(head)) for name, group in groups.items())
    said = f'<p class="caption">{escape(note)}</p>' if note else ""
    unfolded = " open" if opened or (opened is None and count <= LONG) else ""
    return (
        f'<details class="table"{unfolded}><summary><h3>{escape(title)}</h3></summary>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(title)}"><table><thead><tr>{headings}</tr>'
        f"</thead>{bodies}</table></div>{said}</details>"
    )


def _body(name: str, rows: Sequence[Row], columns: int) -> str:
    heading = f'<tr><th class="group" scope="rowgroup" colspan="{columns}">{escape(name)}</th></tr>' if name else ""
    return f"<tbody>{heading}{''.join(_row(row) for row in rows)}</tbody>"


def _row(row: Row) -> str:
    first, *others = row
    return f'<tr><th scope="row">{escape(str(first))}</th>{"".join(_cell(value) for value in others)}</tr>'


def _cell(value: object) -> str:
    text, marked = value if isinstance(value, tuple) else (value, False)
    return f'<td class="best">{escape(str(text))}</td>' if marked else f"<td>{escape(str(text))}</td>"
