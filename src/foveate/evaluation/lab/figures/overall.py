"""Figures of what is shown and how fresh it is (ViTMAlis, figure 8)."""

from typing import Any

import numpy as np

from foveate.evaluation.lab.figures.style import INK, MUTED, Drawn, colors_of, legend_above, lines_of, styled
from foveate.evaluation.lab.report_data import ReportData
from foveate.evaluation.lab.standings import Slice

_SHOWN = 0.995
"""Share of the values of the slowest contender that a distribution of times shows."""


def rendering(data: ReportData, where: Slice) -> Drawn | None:
    """Distribution of rendering F1 over cells, against every truth."""
    references, labels = data.references(where), list(data.cells(where))
    if not references or not labels:
        return None
    lines = _lines(data)
    with styled() as new_figure:
        figure = new_figure(figsize=(8.6, 3.3))
        panels = _row(figure, len(references), sharex=True)
        for number, (axes, reference) in enumerate(zip(panels, references, strict=True)):
            for label, values in data.figure(where, f"rendering_f1_{reference}").items():
                axes.ecdf(values, **lines[label])
            _cdf(axes, against(reference, number), "rendering F1", "cells")
            axes.margins(x=0.02)
        legend_above(figure, labels, data.labels)
    return Drawn(
        name=f"rendering-cdf-{where.kind}",
        title="Rendering accuracy, distribution over cells",
        caption=(
            "F1 of what the user sees, all frames of a cell together. A curve further right is better; where it "
            "crosses one half is the median. A cell is one video, one trace and one start in it."
        ),
        figure=figure,
    )


def boxes(data: ReportData, where: Slice) -> Drawn | None:
    """Quartiles of rendering F1 by contender, with published medians where there are some."""
    references, labels = data.references(where), list(data.cells(where))
    if not references or not labels:
        return None
    published = data.comparison.experiment.published
    colors = colors_of(data.labels)
    with styled() as new_figure:
        figure = new_figure(figsize=(8.6, 0.9 + 0.42 * len(labels)))
        for number, (axes, reference) in enumerate(
            zip(_row(figure, len(references), sharex=True, sharey=True), references, strict=True)
        ):
            values = data.figure(where, f"rendering_f1_{reference}")
            box_rows(axes, [values[label] for label in labels], labels, [colors[label] for label in labels])
            for row, label in enumerate(labels):
                if reference == "model" and label in published:
                    axes.plot(published[label], row, marker="D", color=INK, markersize=4.5, zorder=5)
            axes.set_title(against(reference, number))
            axes.set_xlabel("rendering F1")
    return Drawn(
        name=f"rendering-boxes-{where.kind}",
        title="Rendering accuracy, medians and quartiles",
        caption=(
            "Boxes from the first to the third quartile of the cells, the median as a line, whiskers to the 5th and "
            "95th percentile." + (" Diamonds: medians printed in the paper." if published else "")
        ),
        figure=figure,
    )


def differences(data: ReportData, where: Slice) -> Drawn | None:
    """Mean difference of each contender to the one in focus, with its interval."""
    found = [(name, data.ranking(where, name)) for name in data.references(where)]
    rankings = [(name, ranking) for name, ranking in found if ranking is not None and ranking.to_focus]
    if not rankings:
        return None
    labels = [label for label in data.labels if label in rankings[0][1].to_focus]
    colors = colors_of(data.labels)
    with styled() as new_figure:
        figure = new_figure(figsize=(8.6, 1.0 + 0.4 * len(labels)))
        for number, (axes, (reference, ranking)) in enumerate(
            zip(_row(figure, len(rankings), sharex=True, sharey=True), rankings, strict=True)
        ):
            for row, label in enumerate(labels):
                mean = ranking.to_focus[label].mean
                if ranking.enough:
                    axes.plot([mean.low, mean.high], [row, row], color=colors[label], linewidth=2.4)
                axes.plot(mean.value, row, marker="o", color=colors[label], markersize=6)
            axes.axvline(0, color=MUTED, linewidth=1)
            _rows_down(axes, labels)
            axes.set_title(against(reference, number))
            axes.set_xlabel(f"rendering F1 minus that of {data.focus}")
    enough = rankings[0][1].enough
    return Drawn(
        name=f"differences-{where.kind}",
        title=f"Differences to {data.focus}, cell by cell",
        caption=(
            f"Mean difference over the same cells; left of 0 {data.focus} shows more. "
            + (
                "Lines are 95 % intervals by two-way cluster bootstrap over videos and recordings."
                if enough
                else "Too few videos or recordings for intervals."
            )
        ),
        figure=figure,
    )


def freshness(data: ReportData, where: Slice) -> Drawn | None:
    """End-to-end latency, offloading interval, displayed staleness, and the accuracy of the server's answers."""
    labels = list(data.cells(where))
    if not labels:
        return None
    colors = colors_of(data.labels)
    latencies, ages = data.offloads(where, "e2e_latency_s"), data.frames(where, "staleness_s")
    with styled() as new_figure:
        figure = new_figure(figsize=(8.6, 5.6))
        latency, interval, stale, inferred = figure.subplots(2, 2).ravel()
        _ecdfs(latency, {label: 1000 * latencies[label] for label in labels}, data)
        _ecdfs(interval, {label: _intervals(data, where, label) for label in labels}, data)
        _ecdfs(stale, {label: 1000 * ages[label] for label in labels}, data)
        _cdf(latency, "end-to-end latency", "milliseconds", "offloads")
        _cdf(interval, "offloading interval", "frames", "offloads")
        _cdf(stale, "age of what is displayed", "milliseconds", "frames")
        answers = data.figure(where, "inference_f1_model")
        box_rows(inferred, [answers[label] for label in labels], labels, [colors[label] for label in labels])
        inferred.set(title="inference accuracy", xlabel="F1 of the server's answers")
        legend_above(figure, labels, data.labels)
    return Drawn(
        name=f"freshness-{where.kind}",
        title="How fresh, and how good when fresh",
        caption=(
            "Latency from the start of encoding to the result; frames between two offloads; age of the frame that "
            "displayed boxes come from; F1 of the server's answers against the model's own full-resolution results "
            "(quartiles over cells, whiskers to the 5th and 95th percentile). Curves of times end where "
            f"{100 * _SHOWN:g} % of the slowest contender's values lie below."
        ),
        figure=figure,
    )


def box_rows(axes: Any, values: "list[np.ndarray]", labels: list[str], colors: list[str]) -> None:
    """Horizontal boxes, the first on top."""
    drawn = axes.boxplot(
        values,
        positions=range(len(values)),
        orientation="horizontal",
        whis=(5, 95),
        showfliers=False,
        widths=0.52,
        patch_artist=True,
        medianprops={"color": INK, "linewidth": 1.8},
        whiskerprops={"color": MUTED},
        capprops={"color": MUTED},
    )
    for patch, color in zip(drawn["boxes"], colors, strict=True):
        patch.set(facecolor=color, edgecolor="none", alpha=0.8)
    _rows_down(axes, labels)


def _rows_down(axes: Any, labels: list[str]) -> None:
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.spines["left"].set_visible(False)


def _intervals(data: ReportData, where: Slice, label: str) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Frames between offloads, within each cell."""
    steps = [np.diff([float(row[1] or 0) for row in stored.result.offloads]) for stored in data.cells(where)[label]]
    return np.concatenate([np.zeros(0), *steps])


def _lines(data: ReportData) -> dict[str, dict[str, Any]]:
    """Of all contenders, the one in focus the thickest and on top."""
    weights = {label: 2.6 if label == data.focus else 1.6 for label in data.labels}
    return {
        label: {**line, "linewidth": weights[label], "zorder": weights[label]}
        for label, line in lines_of(data.labels).items()
    }


def _ecdfs(axes: Any, values: dict[str, Any], data: ReportData) -> None:
    """From 0 to where nearly all of the slowest lie: a long tail would squeeze the rest."""
    lines, there = _lines(data), {label: found for label, found in values.items() if len(found)}
    for label, found in there.items():
        axes.ecdf(found, **lines[label])
    axes.set_xlim(0, max((float(np.quantile(found, _SHOWN)) for found in there.values()), default=1.0) or 1.0)


def _cdf(axes: Any, title: str, quantity: str, of: str) -> None:
    axes.set(title=title, xlabel=quantity, ylabel=f"share of {of}", ylim=(0, 1.01))


def against(reference: str, number: int) -> str:
    """Title of a panel; only the first has room for more than a name."""
    short = {"model": "model's own results", "exact": "exact truth", "pseudo": "independent detector"}[reference]
    return f"against {short}" if number == 0 else short


def _row(figure: Any, count: int, *, sharex: bool = False, sharey: bool = False) -> list[Any]:
    panels = list(figure.subplots(1, count, sharex=sharex, sharey=sharey, squeeze=False).ravel())
    for axes in panels:
        axes.locator_params(axis="x", nbins=5 if count > 2 else 7)
    return panels
