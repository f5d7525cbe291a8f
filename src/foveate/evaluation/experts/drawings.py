"""Figures of the report of Ask the Expert."""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from foveate.evaluation.experts.contenders import KIND_LABELS, OURS
from foveate.evaluation.experts.experiment import ExpertsResults
from foveate.evaluation.experts.stand import EDGE, NEAR_EDGE, winners
from foveate.evaluation.lab.figures.style import (
    INK,
    STAGE_COLORS,
    Drawn,
    legend_above,
    lines_of,
    styled,
    text_on,
)

RIVALS = (EDGE, NEAR_EDGE)
_KINDS = {**KIND_LABELS, "progressive": OURS}
"""Rows of the tables by the kind of their experts, in the tables' order."""


def draw_experts(results: ExpertsResults, trainings: Sequence[Path]) -> list[Drawn]:
    """All figures for which there are data."""
    drawers: tuple[Callable[[], Drawn | None], ...] = (
        lambda: accuracy_by_share(results),
        lambda: learning_curves(trainings),
        lambda: energy_bars(results),
        lambda: map_of_winners(results),
    )
    return [drawn for draw in drawers if (drawn := draw()) is not None]


def accuracy_by_share(results: ExpertsResults) -> Drawn | None:
    """Accuracy against the share of offloaded samples."""
    series: dict[str, dict[float, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for row in results.curves:
        series[row["contender"]][row["threshold"]].append((row["offloaded"], row["accuracy"]))
    if not series:
        return None
    lines = lines_of(list(series))
    with styled() as make_figure:
        figure = make_figure(figsize=(8.6, 4.2))
        axes = figure.add_subplot()
        for label, by_threshold in series.items():
            points = np.array([np.mean(by_threshold[t], axis=0) for t in sorted(by_threshold)])
            weight = 2.6 if label == OURS else 1.6
            axes.plot(100 * points[:, 0], 100 * points[:, 1], linewidth=weight, zorder=weight, **lines[label])
        axes.set_xlabel("samples offloaded, %")
        axes.set_ylabel("accuracy, %")
        legend_above(figure, list(series), list(series))
    return Drawn(
        name="accuracy-by-share",
        title="Accuracy against the share of offloaded samples",
        caption="Along the threshold of confidence, over all pictures of the table, without a network; mean of seeds.",
        figure=figure,
    )


def learning_curves(trainings: Sequence[Path]) -> Drawn | None:
    """Accuracy on held-out pictures during the trainings of the first seed."""
    curves: dict[str, list[tuple[float, float, float]]] = {}
    for folder in trainings[:1]:
        for log in sorted(folder.glob("*/log.jsonl")):
            points = _looks(log)
            if points:
                curves[log.parent.name] = points
    if not curves:
        return None
    groups = [name for name in curves if not name.rpartition("-")[0]]
    kinds = {kind: _KINDS.get(kind, kind) for name in curves if (kind := name.rpartition("-")[0])}
    # Kinds of experts have the colours of their rows in the other figures.
    among = list(dict.fromkeys([*_KINDS.values(), *kinds.values(), *groups]))
    lines = lines_of(among)
    with styled() as make_figure:
        figure = make_figure(figsize=(8.6, 3.8))
        left, right = figure.subplots(1, 2)
        for name in groups:
            left.plot(*_columns(curves[name], 1), **lines[name])
        for trained, points in curves.items():
            kind = trained.rpartition("-")[0]
            if kind:
                right.plot(*_columns(points, 2), alpha=0.8, **(lines[kinds[kind]] | {"linewidth": 1.2}))
        left.set_title("all classes")
        right.set_title("experts, own classes")
        for axes in (left, right):
            axes.set_xlabel("training done, %")
            axes.set_ylabel("accuracy, %")
        legend_above(figure, [*groups, *kinds.values()], among)
    return Drawn(
        name="learning-curves",
        title="Accuracy while training",
        caption="Of the averaged weights on a twentieth of the held-out pictures; one line an expert.",
        figure=figure,
    )


def energy_bars(results: ExpertsResults) -> Drawn | None:
    """Energy a sample by where it is spent, mean over links."""
    spent: dict[str, list[list[float]]] = defaultdict(list)
    for row in (row for row in results.rows if row["table"] == "main" and not row["variation"]):
        energy = row["energy_j"]
        spent[row["contender"]].append([energy[name] for name in ("device", "radio", "server")])
    if not spent:
        return None
    parts = dict(zip(("device", "radio", "server"), (STAGE_COLORS[0], STAGE_COLORS[1], STAGE_COLORS[3]), strict=True))
    labels, values = list(spent), 1e3 * np.array([np.mean(rows, axis=0) for rows in spent.values()])
    with styled() as make_figure:
        figure = make_figure(figsize=(8.6, 1.1 + 0.34 * len(labels)))
        axes = figure.add_subplot()
        left = np.zeros(len(labels))
        for number, (part, color) in enumerate(parts.items()):
            axes.barh(labels, values[:, number], left=left, color=color, height=0.62, label=part)
            left += values[:, number]
        for place, total in enumerate(left):
            beside = {"xytext": (5, 0), "textcoords": "offset points", "va": "center"}
            axes.annotate(f"{total:.0f} mJ", (total, place), color=INK, fontsize=9, **beside)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.set_xlim(0, 1.12 * max(left.max(), 1e-3))
        axes.set_xlabel("energy a sample, mJ (idle power left out)")
        figure.legend(loc="outside upper left", ncols=len(parts), handlelength=1.0, handleheight=1.0)
    return Drawn(
        name="energy",
        title="Energy a sample",
        caption="By the power model named above; mean over the links of the main table.",
        figure=figure,
    )


def map_of_winners(results: ExpertsResults) -> Drawn | None:
    """Latency and energy of ours over those of the rivals, for each ratio of speeds and round trip."""
    cells = winners(results)
    if not cells:
        return None
    speeds, rtts = (sorted({cell[name] for cell in cells}) for name in ("speed", "rtt_s"))
    with styled() as make_figure:
        from matplotlib.colors import to_hex  # noqa: PLC0415  # `styled` says what to install where it is missing

        figure = make_figure(figsize=(8.6, 3.6))
        panels = figure.subplots(1, 2)
        for axes, rival, measure in zip(panels, RIVALS, ("latency_s", "energy_j"), strict=True):
            grid = _ratios(cells, speeds, rtts, rival, measure)
            picture = axes.imshow(np.log2(grid), cmap="PuOr_r", vmin=-1.5, vmax=1.5, aspect="auto", origin="lower")
            axes.grid(visible=False)
            axes.set_xticks(range(len(rtts)), [f"{1e3 * rtt:g}" for rtt in rtts])
            axes.set_yticks(range(len(speeds)), [f"{speed:g}" for speed in speeds])
            axes.set_xlabel("round trip, ms")
            axes.set_ylabel("near-edge : edge speed")
            axes.set_title(f"{measure.partition('_')[0]}, ours over {rival.partition(':')[0]}")
            for row, column in np.argwhere(np.isfinite(grid)):
                value = grid[row, column]
                ground = to_hex(picture.cmap(picture.norm(np.log2(value))))
                axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8, color=text_on(ground))
    return Drawn(
        name="where-routing-wins",
        title="Where routing wins",
        caption=(
            "Ours over the other at each one's own accuracy, at the chosen threshold; below 1, violet, ours saves. "
            "Slow devices get fewer samples, so that none waits for another. Energy by the first of both power models."
        ),
        figure=figure,
    )


def _ratios(
    cells: Sequence[dict[str, Any]], speeds: Sequence[float], rtts: Sequence[float], rival: str, measure: str
) -> np.ndarray:
    grid = np.full((len(speeds), len(rtts)), np.nan)
    for cell in cells:
        values = cell[measure]
        grid[speeds.index(cell["speed"]), rtts.index(cell["rtt_s"])] = values[OURS] / values[rival]
    return grid


def _looks(log: Path) -> list[tuple[float, float, float]]:
    """Share of the training, accuracy on all classes, and on the subset (or again on all)."""
    entries = [json.loads(line) for line in log.read_text().splitlines() if line.strip()]
    looks = {e["step"]: e["accuracy_on"] for e in entries if "accuracy_on" in e}
    last = max([e["step"] for e in entries], default=1)
    return [(step / last, look["overall"], look.get("subset", look["overall"])) for step, look in sorted(looks.items())]


def _columns(points: Sequence[tuple[float, float, float]], which: int) -> tuple[list[float], list[float]]:
    return [100 * point[0] for point in points], [100 * point[which] for point in points]
