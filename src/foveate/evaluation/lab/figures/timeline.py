"""The story of one run: the link, what each offload took, what was chosen, what was seen."""

from typing import Any

import numpy as np

from foveate.evaluation.lab.figures.style import (
    INK,
    MUTED,
    STAGE_COLORS,
    Drawn,
    legend_above,
    lines_of,
    ramp_of,
    styled,
)
from foveate.evaluation.lab.report_data import ReportData
from foveate.evaluation.lab.result import FRAME_COLUMNS, OFFLOAD_COLUMNS
from foveate.evaluation.lab.standings import Slice
from foveate.evaluation.lab.store import Stored
from foveate.evaluation.summary import STAGES
from foveate.metrics import Counts
from foveate.network import UplinkTrace

_WINDOW_S = 1.0
"""Over which F1 is summed."""


def timeline(data: ReportData, where: Slice) -> Drawn | None:
    """One cell of the contender in focus, with the F1 of the others beside it."""
    cells = data.cells(where)
    references = data.references(where)
    if not references or not cells.get(data.focus):
        return None
    reference, lines = references[0], lines_of(data.labels)
    number = _telling(cells[data.focus], reference)
    focus = cells[data.focus][number]
    with styled() as new_figure:
        figure = new_figure(figsize=(8.6, 6.6))
        axes = figure.subplots(4, 1, sharex=True, height_ratios=(1.1, 1.4, 0.9, 1.5))
        _link(axes[0], focus)
        _latency(axes[1], focus)
        _configuration(axes[2], focus)
        for label, found in cells.items():
            strong = label == data.focus
            times, f1 = _f1_over_time(found[number], reference)
            axes[3].plot(
                times,
                f1,
                linewidth=2.4 if strong else 1.1,
                zorder=3 if strong else 2,
                **lines[label],
            )
        axes[3].set(title=f"rendering F1 over {_WINDOW_S:g} s", ylabel="F1", xlabel="seconds since the first frame")
        axes[3].set(xlim=(0, focus.cell.seconds), ylim=(0, None))
        legend_above(figure, list(cells), data.labels)
    return Drawn(
        name=f"timeline-{where.kind}",
        title=f"One run from second to second ({data.focus})",
        caption=(
            f"{focus.cell.clip.name} over {focus.cell.trace.name} from {focus.cell.offset_s:g} s, the run with the "
            "median rendering F1. Bars of the second panel stand where the frame was captured, as high as the stages "
            "of its offload took; thin lines of the last panel are the other contenders on the very same link."
        ),
        figure=figure,
    )


def _telling(cells: list[Stored], reference: str) -> int:
    """The cell in the middle of the ranking."""
    shown = [float(stored.result.figures[f"rendering_f1_{reference}"] or 0) for stored in cells]
    order = np.argsort(shown, kind="stable")
    return int(order[len(order) // 2])


def _link(axes: Any, stored: Stored) -> None:
    cell = stored.cell
    trace = UplinkTrace.load(cell.trace.path, offset_s=cell.offset_s)
    times = np.arange(0, cell.seconds, 0.1)
    rates = np.array([trace.rate_at(float(t)) * cell.trace.scale / 1e6 for t in times])
    axes.fill_between(times, rates, step="post", color=MUTED, alpha=0.25, linewidth=0)
    axes.step(times, rates, where="post", color=MUTED, linewidth=1.2)
    axes.set(title="uplink", ylabel="Mbit/s", ylim=(0, None))


def _latency(axes: Any, stored: Stored) -> None:
    times, bottom = _column(stored, "captured_at"), np.zeros(len(stored.result.offloads))
    width = 0.7 * float(np.median(np.diff(times))) if len(times) > 1 else 0.1
    for stage, color in zip(STAGES, STAGE_COLORS, strict=True):
        height = 1000 * _column(stored, f"{stage}_s")
        axes.bar(times, height, width=width, bottom=bottom, align="edge", color=color, label=stage)
        bottom = bottom + height
    axes.set(title="end-to-end latency by stage", ylabel="ms")
    axes.legend(ncols=5, loc="upper right", fontsize=8, handlelength=1.0, handleheight=1.0)
    axes.set_ylim(0, 1.35 * max(bottom.max(initial=0), 1e-3))


def _configuration(axes: Any, stored: Stored) -> None:
    """Quality as a line; the downsampling type as colour, the restoration point as number."""
    times, quality = _column(stored, "captured_at"), _column(stored, "quality")
    kinds, betas = _column(stored, "downsampling_type"), _column(stored, "beta")
    axes.step(times, quality, where="post", color=MUTED, linewidth=0.8)
    ramp = ramp_of(3)
    for kind in np.unique(kinds):
        here = kinds == kind
        axes.plot(
            times[here],
            quality[here],
            "o",
            color=ramp[int(kind) % len(ramp)],
            markeredgecolor=MUTED,
            markeredgewidth=0.5,
            markersize=5,
            label=f"type {kind:.0f}",
        )
    for time, level, kind, beta in zip(times, quality, kinds, betas, strict=True):
        if kind > 0:
            axes.annotate(
                f"{beta:.0f}", (time, level), (0, 5), textcoords="offset points", ha="center", fontsize=6.5, color=INK
            )
    axes.set(title="chosen configuration: JPEG quality, type by colour, restoration point by number", ylabel="quality")
    axes.set_ylim(min(60.0, quality.min(initial=60.0) - 12), 108)
    if len(times):
        axes.legend(ncols=3, loc="lower right", fontsize=8, handlelength=0.8)


def _f1_over_time(stored: Stored, reference: str) -> tuple[Any, Any]:
    """At the end of each frame's window of the past."""
    at = FRAME_COLUMNS.index(f"tp_{reference}")
    rows = [row for row in stored.result.frames if row[at] is not None]
    times = np.array([float(row[FRAME_COLUMNS.index("displayed_at")] or 0) for row in rows])
    sums = np.cumsum([[0, 0, 0], *([int(row[at + k] or 0) for k in range(3)] for row in rows)], axis=0)
    starts = np.searchsorted(times, times - _WINDOW_S)
    windows = sums[1:] - sums[starts]
    return times, np.array([Counts(tp=int(tp), fp=int(fp), fn=int(fn)).f1 for tp, fp, fn in windows])


def _column(stored: Stored, name: str) -> Any:
    at = OFFLOAD_COLUMNS.index(name)
    return np.array([float(row[at] or 0) for row in stored.result.offloads])
