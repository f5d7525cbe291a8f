"""Tables of the page."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from foveate.evaluation.lab.phrases import interval_text, score_text
from foveate.evaluation.lab.report_data import ReportData
from foveate.evaluation.lab.standings import Ranking, Slice, Standing
from foveate.evaluation.lab.statistics import LEAST_CLUSTERS, Difference
from foveate.evaluation.lab.store import Stored
from foveate.evaluation.lab.table_block import NONE, Row, table_block
from foveate.evaluation.lab.verdict import REFERENCE_NAMES

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
    head = ["contender", "cells", "median (95 %)" if ranking.enough else "median", "mean", "quartiles", "later"]
    rows = [
        [
            *_standing(standing, ranking),
            *([_or_none(published.get(standing.contender))] if published else []),
        ]
        for standing in ranking.standings
    ]
    return table_block(
        f"Rendering F1 against {REFERENCE_NAMES[reference]}",
        [*head, "paper's median"] if published else head,
        rows,
        "Later: the median from the first result of each cell's slowest contender on. "
        + (
            "Intervals of two contenders overlap because clips and links differ: who is better is read from the "
            "differences below, cell by cell."
            if ranking.enough and len(rows) > 1
            else ""
        ),
    )


def difference_table(data: ReportData, where: Slice) -> str:
    """Every contender less the one in focus, by every truth."""
    ranked = {name: ranking for name in data.references(where) if (ranking := data.ranking(where, name)) is not None}
    groups: dict[str, Sequence[Row]] = {
        f"Against {REFERENCE_NAMES[name]}": [
            [label, *_difference(ranking.to_focus[label])] for label in data.labels if label in ranking.to_focus
        ]
        for name, ranking in ranked.items()
    }
    enough = all(ranking.enough for ranking in ranked.values())
    why = (
        "Each interval stands for itself: of many, a few leave 0 out by chance."
        if enough
        else f"Fewer than {LEAST_CLUSTERS} videos or recordings give no intervals."
    )
    mean, medians = ("mean (95 %)", "of medians (95 %)") if enough else ("mean", "of medians")
    return table_block(
        f"Differences in rendering F1 to {data.focus}",
        ["contender", mean, medians, "draws above 0"],
        groups,
        f"Cell by cell; negative: shows less than {data.focus}. {why}",
    )


def figure_table(data: ReportData, where: Slice) -> str:
    """Medians over cells of what else was measured."""
    cells = data.cells(where)
    rows: list[Row] = []
    for heading, name, factor in _MEDIANS:
        values = data.figure(where, name)
        numbers = [factor * float(np.median(values[label])) if len(values[label]) else None for label in cells]
        rows.append([heading, *_aligned(numbers)])
    return table_block(
        "Latency, traffic, staleness",
        ["", *cells],
        rows if cells else [],
        "Medians over cells of each cell's own median or percentile.",
    )


def sensitivity_table(data: ReportData, where: Slice) -> str:
    """Median rendering F1 of all slices of a kind, the best of each marked."""
    others = data.others(where)
    reference = next(iter(data.references(where)), None)
    if not others or reference is None:
        return ""
    rows: list[Row] = []
    for here in (where, *others):
        ranking = data.ranking(here, reference)
        if ranking is None:
            continue
        medians = {standing.contender: standing.median.value for standing in ranking.standings}
        cells = ranking.standings[0].cells
        rows.append([here.machine, here.traces, here.transport, cells, *_marked([medians.get(n) for n in data.labels])])
    return table_block(
        "What it depends on",
        ["machine", "traces", "transport", "cells", *data.labels],
        rows,
        f"Median rendering F1 against {REFERENCE_NAMES[reference]}; the best of each row is marked.",
    )


def video_table(data: ReportData, where: Slice) -> str:
    """Mean rendering F1 on each clip by the most trusted truth."""
    return _parted(data, where, "Clip by clip", "clip", lambda stored: stored.cell.clip.name)


def trace_table(data: ReportData, where: Slice) -> str:
    """Mean rendering F1 over each trace by the most trusted truth."""
    return _parted(data, where, "Trace by trace", "trace", lambda stored: stored.cell.trace.name)


def clip_table(data: ReportData, where: Slice) -> str:
    """Ceiling and flicker of each clip."""
    names = list(dict.fromkeys(s.cell.clip.name for found in data.cells(where).values() for s in found))
    quality = [(name, data.comparison.quality[name]) for name in names if name in data.comparison.quality]
    columns: dict[str, list[float | None]] = {
        "ceiling": [clip.ceiling_exact for _, clip in quality],
        "agreement": [clip.agreement_pseudo for _, clip in quality],
        "flicker": [clip.flicker for _, clip in quality],
        "flicker of the scene": [clip.motion for _, clip in quality],
    }
    known = {name: values for name, values in columns.items() if any(value is not None for value in values)}
    said = {
        "ceiling": "Ceiling: F1 of full-resolution inference on every frame against exact truth.",
        "agreement": "Agreement: F1 of full-resolution inference on every frame against an independent detector.",
        "flicker": "Flicker: 1 - F1 of each answer taken for the next frame.",
        "flicker of the scene": "Of the scene: how much of that the scene's own motion explains.",
    }
    return table_block(
        "What the model could show at best",
        ["clip", *known],
        [[name, *(_or_none(values[at]) for values in known.values())] for at, (name, _) in enumerate(quality)],
        " ".join(said[name] for name in known),
    )


def _parted(data: ReportData, where: Slice, title: str, noun: str, name_of: Callable[[Stored], str]) -> str:
    """Means over the cells that share a name, the best of each row marked; empty with a single name."""
    cells, reference = data.cells(where), next(iter(data.references(where)), None)
    names = list(dict.fromkeys(name_of(stored) for found in cells.values() for stored in found))
    if reference is None or len(names) < 2:
        return ""
    means = {label: _means(found, f"rendering_f1_{reference}", name_of) for label, found in cells.items()}
    counts = _counts(next(iter(cells.values())), name_of)
    rows = [[name, counts[name], *_marked([means[label].get(name) for label in cells])] for name in names]
    return table_block(
        title,
        [noun, "cells", *cells],
        rows,
        f"Mean rendering F1 against {REFERENCE_NAMES[reference]}; the best of each row is marked, whether or not "
        "chance could explain it.",
    )


def _means(cells: Sequence[Stored], figure: str, name_of: Callable[[Stored], str]) -> dict[str, float]:
    values: dict[str, list[float]] = {}
    for stored in cells:
        value = stored.result.figures.get(figure)
        if value is not None:
            values.setdefault(name_of(stored), []).append(float(value))
    return {name: float(np.mean(found)) for name, found in values.items()}


def _counts(cells: Sequence[Stored], name_of: Callable[[Stored], str]) -> Mapping[str, int]:
    names = [name_of(stored) for stored in cells]
    return {name: names.count(name) for name in names}


def _standing(standing: Standing, ranking: Ranking) -> list[object]:
    median = standing.median
    return [
        standing.contender,
        standing.cells,
        interval_text(median) if ranking.enough else score_text(median.value),
        score_text(standing.mean),
        f"{score_text(standing.quartiles[0])} to {score_text(standing.quartiles[1])}",
        _or_none(standing.after_start),
    ]


def _difference(found: Difference) -> list[object]:
    if not found.enough:
        return [score_text(found.mean.value, signed=True), score_text(found.median.value, signed=True), NONE]
    return [
        interval_text(found.mean, signed=True),
        interval_text(found.median, signed=True),
        f"{100 * found.above:.0f} %",
    ]


def _marked(values: Sequence[float | None]) -> list[object]:
    """Scores in words, the greatest marked."""
    best = max((value for value in values if value is not None), default=None)
    return [(_or_none(value), value is not None and value == best) for value in values]


def _aligned(values: Sequence[float | None]) -> list[str]:
    """Figures of one row with the same decimals: about three digits of the greatest."""
    greatest = max((abs(value) for value in values if value is not None), default=0.0)
    whole = greatest >= 100 or all(value is None or value == round(value) for value in values)
    digits = 0 if whole else 1 if greatest >= 10 else 2 if greatest >= 1 else 3
    return [NONE if value is None else f"{value:,.{digits}f}" for value in values]


def _or_none(value: float | None) -> str:
    return NONE if value is None else score_text(value)
