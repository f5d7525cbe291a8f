"""Figures of the report on answering policies."""

from collections.abc import Sequence
from typing import Any

from foveate.evaluation.lab.answering.standings import AnswerTable, Standing, enough
from foveate.evaluation.lab.figures.style import INK, MUTED, Drawn, colors_of, styled


def draw_answers(table: AnswerTable, labels: Sequence[str]) -> list[Drawn]:
    """All figures of one table. `labels`: of all contenders, in the order of their colours."""
    return [accuracy(table, labels), speed(table, labels)]


def accuracy(table: AnswerTable, labels: Sequence[str]) -> Drawn:
    """AP50 of each contender with its interval, per frame and streaming."""
    known = any(enough(standing) for standing in table.standings)
    panels = (("per_frame", "AP50 per frame"), ("streaming", "AP50 streaming"))
    with styled() as new_figure:
        figure = new_figure(figsize=(8.6, 1.0 + 0.32 * len(table.standings)))
        for axes, (name, title) in zip(figure.subplots(1, 2, sharey=True), panels, strict=True):
            _dots(axes, table, labels, name)
            axes.set(title=title, xlabel="AP50")
    return Drawn(
        name=f"accuracy-{table.kind}",
        title="How right the answers are",
        caption=(
            "Means over cells"
            + (", lines are 95 % intervals. " if known else ", too few for intervals. ")
            + "Per frame: each frame that was answered by its own answer. Streaming: every frame of the camera by what "
            "was known when it was there."
        ),
        figure=figure,
    )


def speed(table: AnswerTable, labels: Sequence[str]) -> Drawn:
    """Mean and 95th percentile of the latency with the deadline, and what is sent."""
    with styled() as new_figure:
        figure = new_figure(figsize=(8.6, 1.0 + 0.32 * len(table.standings)))
        latency, sent = figure.subplots(1, 2, sharey=True)
        colors = colors_of(labels)
        for row, standing in enumerate(table.standings):
            color, of = colors[standing.contender], standing.intervals
            if {"frame_latency_s_mean", "frame_latency_s_p95"} <= set(of):
                mean, late = (1000 * of[name].value for name in ("frame_latency_s_mean", "frame_latency_s_p95"))
                latency.plot([mean, late], [row, row], color=color, linewidth=2)
                latency.plot(mean, row, "o", color=color, markersize=6)
                latency.plot(late, row, "|", color=color, markersize=9, markeredgewidth=2)
            if "bytes_per_answer" in of:
                sent.barh(row, of["bytes_per_answer"].value / 1000, height=0.6, color=color)
        latency.axvline(1000 * table.deadline_s, color=MUTED, linewidth=1.2, linestyle=(0, (4, 2)))
        latency.set(title="latency of a frame", xlabel="milliseconds", xlim=(0, None))
        sent.set(title="sent", xlabel="kB an answer")
        _rows(latency, table.standings)
        sent.grid(visible=False, axis="y")
    return Drawn(
        name=f"speed-{table.kind}",
        title="How fast they come, and what they cost",
        caption="Means over cells. Dots: mean latency; ends of the lines: its 95th percentile; dashed: the deadline.",
        figure=figure,
    )


def _dots(axes: Any, table: AnswerTable, labels: Sequence[str], name: str) -> None:
    colors = colors_of(labels)
    for row, standing in enumerate(table.standings):
        found = standing.intervals.get(name)
        if found is not None:
            if enough(standing):
                axes.plot([found.low, found.high], [row, row], color=colors[standing.contender], linewidth=2.4)
            axes.plot(found.value, row, "o", color=colors[standing.contender], markersize=6)
    _rows(axes, table.standings)


def _rows(axes: Any, standings: Sequence[Standing]) -> None:
    axes.set_yticks(range(len(standings)), [standing.contender for standing in standings])
    axes.set_ylim(len(standings) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0, labelcolor=INK)
