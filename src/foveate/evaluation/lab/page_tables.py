"""Tables of the page."""

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from foveate.evaluation.lab.report_data import ReportData
from foveate.evaluation.lab.standings import Slice
from foveate.evaluation.lab.statistics import Difference, Interval
from foveate.evaluation.lab.verdict import REFERENCE_NAMES

_NONE = "-"
_MEDIANS = (
    ("end-to-end, ms", "e2e_latency_s_p50", 1000),
    ("end-to-end p95, ms", "e2e_latency_s_p95", 1000),
    ("network, ms", "network_s_p50", 1000),
    ("inference, ms", "inference_s_p50", 1000),
    ("codec, ms", "codec_s_p50", 1000),
    ("kB per offload", "bytes_p50", 0.001),
    ("interval, frames", "interval_frames_p50", 1),
    ("staleness, ms", "staleness_s_p50", 1000),
    ("staleness p95, ms", "staleness_s_p95", 1000),
    ("staleness p99, ms", "staleness_s_p99", 1000),
    ("inference F1", "inference_f1_model", 1),
    ("ignored objects", "ignored_objects", 1),
    ("failed offloads", "failed_offloads", 1),
)
"""Heading, figure of a cell, factor."""


def standing_table(data: ReportData, where: Slice, reference: str) -> str:
    """Medians and quartiles by one truth, best first."""
    ranking = data.ranking(where, reference)
    if ranking is None:
        return ""
    published = data.comparison.experiment.published if reference == "model" else {}
    head = ["contender", "cells", "median", "95 %", "quartiles", "mean", "from the first results"]
    rows = [
        [
            standing.contender,
            standing.cells,
            f"{standing.median.value:.3f}",
            _interval(standing.median) if ranking.enough else _NONE,
            f"{standing.quartiles[0]:.3f} to {standing.quartiles[1]:.3f}",
            f"{standing.mean:.3f}",
            _NONE if standing.after_start is None else f"{standing.after_start:.3f}",
            *(
                [f"{published[standing.contender]:.3f}"]
                if standing.contender in published
                else [_NONE] * bool(published)
            ),
        ]
        for standing in ranking.standings
    ]
    return _table(
        f"Rendering F1 against {REFERENCE_NAMES[reference]}",
        [*head, "paper's median"] if published else head,
        rows,
        "From the first results: the median when each cell starts at the first result of its slowest contender.",
    )


def difference_table(data: ReportData, where: Slice) -> str:
    """Every contender less the one in focus, by every truth."""
    rows = []
    for reference in data.references(where):
        ranking = data.ranking(where, reference)
        for label in data.labels:
            found = None if ranking is None else ranking.to_focus.get(label)
            if found is not None:
                rows.append([label, REFERENCE_NAMES[reference], *_difference(found)])
    if not rows:
        return ""
    return _table(
        f"Differences in rendering F1 to {data.focus}",
        ["contender", "against", "mean", "95 %", "of medians", "95 %", "draws above 0", "videos", "recordings"],
        rows,
        "Cell by cell. Negative: shows less. Intervals are left out with fewer than 3 videos or recordings.",
    )


def figure_table(data: ReportData, where: Slice) -> str:
    """Medians over cells of what else was measured."""
    cells = data.cells(where)
    rows: list[list[object]] = []
    for heading, name, factor in _MEDIANS:
        values = data.figure(where, name)
        numbers = [values[label] for label in cells]
        rows.append([heading, *(f"{factor * np.median(found):.4g}" if len(found) else _NONE for found in numbers)])
    return _table("Medians over cells", ["", *cells], rows, "Of each cell's own median or percentile.")


def sensitivity_table(data: ReportData, where: Slice) -> str:
    """Median rendering F1 of all slices of a kind, the best of each marked."""
    others = data.others(where)
    reference = next(iter(data.references(where)), None)
    if not others or reference is None:
        return ""
    rows = []
    for here in (where, *others):
        ranking = data.ranking(here, reference)
        if ranking is None:
            continue
        medians = {standing.contender: standing.median.value for standing in ranking.standings}
        marked = [
            (f"{medians[label]:.3f}", label == ranking.order[0]) if label in medians else (_NONE, False)
            for label in data.labels
        ]
        rows.append([here.machine, here.traces, here.transport, *marked])
    return _table(
        "What it depends on",
        ["machine", "traces", "transport", *data.labels],
        rows,
        f"Median rendering F1 against {REFERENCE_NAMES[reference]}; the best of each row is marked.",
    )


def clip_table(data: ReportData, where: Slice) -> str:
    """Ceiling and flicker of each clip."""
    names = list(dict.fromkeys(s.cell.clip.name for found in data.cells(where).values() for s in found))
    quality = data.comparison.quality
    rows = [
        [
            name,
            _share(quality[name].ceiling_exact),
            _share(quality[name].agreement_pseudo),
            _share(quality[name].flicker),
            _share(quality[name].motion),
        ]
        for name in names
        if name in quality
    ]
    return _table(
        "What the model could show at best",
        ["clip", "ceiling", "agreement", "flicker", "of the scene"],
        rows,
        "Ceiling: F1 of full-resolution inference on every frame against exact truth; agreement: the same against an "
        "independent detector. Flicker: 1 - F1 of each answer taken for the next frame, and how much of that the "
        "scene's own motion explains.",
    )


def _difference(found: Difference) -> list[object]:
    shown = found.enough
    return [
        f"{found.mean.value:+.3f}",
        _interval(found.mean, signed=True) if shown else _NONE,
        f"{found.median.value:+.3f}",
        _interval(found.median, signed=True) if shown else _NONE,
        f"{100 * found.above:.0f} %" if shown else _NONE,
        found.videos,
        found.recordings,
    ]


def _interval(found: Interval, *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    return f"{found.low:{sign}.3f} to {found.high:{sign}.3f}"


def _share(value: float | None) -> str:
    return _NONE if value is None else f"{value:.3f}"


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]], note: str) -> str:
    headings = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join(f"<tr>{''.join(_cell(value) for value in row)}</tr>" for row in rows)
    return (
        f'<div class="table"><h3>{escape(title)}</h3><div class="scroll"><table><thead><tr>{headings}</tr></thead>'
        f'<tbody>{body}</tbody></table></div><p class="caption">{escape(note)}</p></div>'
    )


def _cell(value: object) -> str:
    """A pair is a text and whether to mark it."""
    text, marked = value if isinstance(value, tuple) else (value, False)
    return f'<td class="best">{escape(str(text))}</td>' if marked else f"<td>{escape(str(text))}</td>"
