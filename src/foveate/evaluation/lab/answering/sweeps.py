"""Figures over conditions: who leads on which machines, and what a longer deadline is worth."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from foveate.evaluation.lab.answering.experiment import AnswerCondition
from foveate.evaluation.lab.answering.standings import AnswerTable
from foveate.evaluation.lab.figures.style import (
    INK,
    MUTED,
    RAMP,
    Drawn,
    colors_of,
    legend_above,
    lines_of,
    styled,
    text_on,
)

_SCORES = {"per_frame": "AP50 per frame", "streaming": "AP50 streaming"}


def draw_sweeps(tables: Sequence[AnswerTable], labels: Sequence[str]) -> list[Drawn]:
    """The figures for which one kind of clips has two conditions or more. `labels`: in the order of their colours."""
    found = []
    for main in (table for table in tables if table.main):
        alike = [table for table in tables if table.kind == main.kind and table.common]
        by_pair = [table for table in alike if _alike_but_for_pair(table.condition, main.condition)]
        by_deadline = [table for table in alike if _alike_but_for_deadline(table.condition, main.condition)]
        if len(by_pair) > 1:
            found.append(machines(by_pair, labels))
        if len(by_deadline) > 1:
            found.append(deadlines(by_deadline, labels))
    return found


def machines(tables: Sequence[AnswerTable], labels: Sequence[str]) -> Drawn:
    """The contender with the greatest AP50 for each time of the device and of the cloud."""
    shared = _everywhere(tables, labels)
    with styled() as new_figure:
        figure = new_figure(figsize=(8.6, 3.6))
        leaders = {score: {_times(table): _lead(table, score, shared) for table in tables} for score in _SCORES}
        alone = {_times(table) for table in tables if _device_alone(table, shared)}
        for axes, score in zip(figure.subplots(1, 2, sharey=True), _SCORES, strict=True):
            _map(axes, leaders[score], alone, colors_of(labels))
            axes.set(title=_SCORES[score], xlabel="cloud, ms")
        figure.axes[0].set_ylabel("device, ms")
        leading = {lead[0] for leads in leaders.values() for at, lead in leads.items() if lead and at not in alone}
        legend_above(figure, [label for label in labels if label in leading], labels)
    return Drawn(
        name=f"machines-{tables[0].kind}",
        title="Who leads on which machines",
        caption="Colour: the contender with the greatest mean AP50 over the cells that all have; number: its lead over "
        "the next one. Grey: nobody has an answer from the cloud in time, so that leads are of which frames were "
        "answered. Time of the device's model, and of the cloud's for all slices of a frame. Not tried: empty.",
        figure=figure,
    )


def deadlines(tables: Sequence[AnswerTable], labels: Sequence[str]) -> Drawn:
    """AP50 of each contender by the deadline."""
    ordered, shown = sorted(tables, key=lambda table: table.deadline_s), _everywhere(tables, labels)
    with styled() as new_figure:
        figure = new_figure(figsize=(8.6, 3.6))
        for axes, score in zip(figure.subplots(1, 2), _SCORES, strict=True):
            for label in shown:
                points = [
                    (1000 * table.deadline_s, table.common_means[score][label])
                    for table in ordered
                    if label in table.common_means[score]
                ]
                axes.plot(*zip(*points, strict=True), marker="o", markersize=4, **lines_of(labels)[label])
            axes.set(title=_SCORES[score], xlabel="deadline, ms", ylabel="AP50")
            axes.set_ylim(0, 1.05 * axes.dataLim.ymax or 1)
        legend_above(figure, shown, labels)
    return Drawn(
        name=f"deadlines-{tables[0].kind}",
        title="What a longer deadline is worth",
        caption="Means over the cells that all contenders have at a deadline.",
        figure=figure,
    )


def _map(
    axes: Any,
    leads: dict[tuple[float, float], tuple[str, float] | None],
    alone: set[tuple[float, float]],
    colors: dict[str, str],
) -> None:
    looks, clouds = (sorted({times[i] for times in leads}) for i in (0, 1))
    for (look, cloud), lead in leads.items():
        if lead is not None:
            label, margin = lead
            column, row = clouds.index(cloud), looks.index(look)
            color, text = (RAMP[0], "device alone") if (look, cloud) in alone else (colors[label], f"+{margin:.3f}")
            axes.bar(column, 0.96, bottom=row - 0.48, width=0.96, color=color)
            axes.text(column, row, text, ha="center", va="center", color=text_on(color), fontsize="small")
    axes.set_xticks(range(len(clouds)), [f"{1000 * cloud:g}" for cloud in clouds])
    axes.set_yticks(range(len(looks)), [f"{1000 * look:g}" for look in looks])
    axes.set(xlim=(-0.5, len(clouds) - 0.5), ylim=(-0.5, len(looks) - 0.5))
    axes.grid(visible=False)
    axes.tick_params(length=0, labelcolor=INK)
    axes.spines[["left", "bottom"]].set_color(MUTED)


def _lead(table: AnswerTable, score: str, labels: Sequence[str]) -> tuple[str, float] | None:
    """The leader and how far it is ahead of the next one; None where there are no two."""
    means = {label: value for label, value in table.common_means[score].items() if label in labels}
    if len(means) < 2:
        return None
    first, second = sorted(means, key=lambda label: -means[label])[:2]
    return first, means[first] - means[second]


def _device_alone(table: AnswerTable, labels: Sequence[str]) -> bool:
    """Whether answers of them are known, and none is made of a result of the cloud."""
    made = {name for s in table.standings if s.contender in labels for name in s.counts if name.startswith("made of")}
    return bool(made) and made.isdisjoint({"made of cloud", "made of both"})


def _everywhere(tables: Sequence[AnswerTable], labels: Sequence[str]) -> list[str]:
    """Contenders that all tables have: ablations stand in the main one alone."""
    return [label for label in labels if all(label in table.common_means["per_frame"] for table in tables)]


def _times(table: AnswerTable) -> tuple[float, float]:
    times = table.condition.pair.times
    return times.look_s, times.cloud_s


def _alike_but_for_pair(one: AnswerCondition, main: AnswerCondition) -> bool:
    return replace(one, pair=main.pair, main=True) == main


def _alike_but_for_deadline(one: AnswerCondition, main: AnswerCondition) -> bool:
    return replace(one, rules=replace(one.rules, deadline_s=main.rules.deadline_s), main=True) == main
