"""Figures of where time goes (ViTMAlis, figures 9 and 10)."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from foveate.evaluation.lab.figures.overall import box_rows
from foveate.evaluation.lab.figures.style import INK, STAGE_COLORS, Drawn, colors_of, styled, text_on
from foveate.evaluation.lab.report_data import ReportData
from foveate.evaluation.lab.standings import Slice
from foveate.evaluation.summary import STAGES


def stacks(data: ReportData, where: Slice) -> Drawn | None:
    """Mean of every stage of an offload, one bar per contender."""
    labels = list(data.cells(where))
    if not labels:
        return None
    means = {stage: data.offloads(where, f"{stage}_s") for stage in STAGES}
    with styled() as new_figure:
        figure = new_figure(figsize=(8.6, 1.1 + 0.44 * len(labels)))
        axes = figure.subplots()
        left = np.zeros(len(labels))
        for stage, color in zip(STAGES, STAGE_COLORS, strict=True):
            widths = np.array([1000 * _mean(means[stage][label]) for label in labels])
            axes.barh(range(len(labels)), widths, left=left, height=0.58, color=color, label=stage)
            for row, (start, width) in enumerate(zip(left, widths, strict=True)):
                if width > 0.06 * max(1.0, left.max()):
                    middle = {"ha": "center", "va": "center", "color": text_on(color), "fontsize": 8}
                    axes.text(start + width / 2, row, f"{width:.0f}", **middle)
            left = left + widths
        for row, total in enumerate(left):
            beside = {"xytext": (5, 0), "textcoords": "offset points", "va": "center"}
            axes.annotate(f"{total:.0f} ms", (total, row), color=INK, fontsize=9, **beside)
        axes.set_yticks(range(len(labels)), labels)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        axes.set_xlim(0, 1.12 * max(left.max(), 1e-3))
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("milliseconds, mean over offloads")
        figure.legend(loc="outside upper left", ncols=5, handlelength=1.0, handleheight=1.0)
    return Drawn(
        name=f"delays-{where.kind}",
        title="Where the time goes",
        caption=(
            "Stages of an offload, means over those that brought a result (means add up, medians do not). Uplink and "
            "downlink each hold one propagation."
        ),
        figure=figure,
    )


def codec(data: ReportData, where: Slice) -> Drawn | None:
    """Encoding and decoding by contender."""
    labels = list(data.cells(where))
    if not labels:
        return None
    colors = [colors_of(data.labels)[label] for label in labels]
    with styled() as new_figure:
        figure = new_figure(figsize=(8.6, 0.9 + 0.4 * len(labels)))
        for axes, stage in zip(figure.subplots(1, 2, sharey=True), ("encode", "decode"), strict=True):
            values = data.offloads(where, f"{stage}_s")
            box_rows(axes, [1000 * values[label] for label in labels], labels, colors)
            axes.set_title("encoding on the device" if stage == "encode" else "decoding on the server")
            axes.set_xlabel("milliseconds")
            _from_zero(axes, [1000 * values[label] for label in labels])
    return Drawn(
        name=f"codec-{where.kind}",
        title="Codec delays",
        caption=(
            "Quartiles over offloads that brought a result; whiskers to the 5th and 95th percentile. Durations are the "
            "profile's."
        ),
        figure=figure,
    )


def _from_zero(axes: Any, values: Sequence[np.ndarray]) -> None:
    """Durations of a profile may all be equal: an axis from 0 keeps them legible."""
    largest = max((float(found.max()) for found in values if len(found)), default=1.0)
    axes.set_xlim(0, 1.15 * largest)


def _mean(values: "np.ndarray") -> float:
    return float(values.mean()) if len(values) else 0.0
