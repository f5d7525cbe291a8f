"""Figures of what was chosen."""

from collections import Counter
from collections.abc import Mapping
from textwrap import fill
from typing import Any

from foveate.evaluation.lab.figures.style import INK, Drawn, ramp_of, styled, text_on
from foveate.evaluation.lab.report_data import ReportData
from foveate.evaluation.lab.standings import Slice

_PARTS = {
    "reason": "why",
    "type": "downsampling type",
    "beta": "restoration point",
    "quality": "JPEG quality",
    "frame scale": "frame scale",
    "blanked": "blanked regions",
}


def shares(data: ReportData, where: Slice) -> Drawn | None:
    """Share of each value of each part of a configuration, for the parts that vary."""
    counts = {label: _counted(data, where, label) for label in data.cells(where)}
    by_part = {part: {label: found[part] for label, found in counts.items()} for part in _PARTS}
    varied = {part: found for part, found in by_part.items() if len(_values(found)) > 1}
    if not varied:
        return None
    heights = [0.75 + 0.26 * len(_moving(found)) for found in varied.values()]
    with styled() as new_figure:
        figure = new_figure(figsize=(8.6, sum(heights) + 0.2))
        panels = figure.subplots(len(varied), 1, squeeze=False, height_ratios=heights).ravel()
        for axes, (part, found) in zip(panels, varied.items(), strict=True):
            _bars(axes, found)
            axes.set_title(_PARTS[part])
    return Drawn(
        name=f"choices-{where.kind}",
        title="What was chosen",
        caption=(
            "Shares of the offloads of each contender whose choice varies, the least value palest. Reasons: knee, the "
            "balance of latency and accuracy; lost and stale, the two halves of the urgency rule (too few objects "
            "still tracked; the last offload too long ago), which may hold at once; only, one configuration that no "
            "other beats; shown, the most that is expected to be right while it is shown."
        ),
        figure=figure,
    )


def _bars(axes: Any, found: Mapping[str, Counter[str]]) -> None:
    """One bar for each contender whose choice varies, the others in words."""
    values, labels = _values(found), _moving(found)
    for row, label in enumerate(labels):
        total, left = found[label].total(), 0.0
        for value, color in zip(values, ramp_of(len(values)), strict=True):
            width = 100 * found[label][value] / total
            axes.barh(row, width, left=left, height=0.66, color=color)
            if width > 2 + 1.15 * len(value):
                middle = {"ha": "center", "va": "center", "color": text_on(color), "fontsize": 7.6}
                axes.text(left + width / 2, row, value, **middle)
            left += width
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_xlim(0, 100)
    axes.grid(visible=False)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    still = {value: [n for n in found if n not in labels and found[n][value]] for value in values}
    always = "; ".join(f"always {value}: {', '.join(names)}" for value, names in still.items() if names)
    axes.set_xlabel(fill(f"% of offloads{f' ({always})' if always else ''}", 96))


def _values(found: Mapping[str, Counter[str]]) -> list[str]:
    return sorted({value for counter in found.values() for value in counter}, key=_natural)


def _moving(found: Mapping[str, Counter[str]]) -> list[str]:
    """Contenders with more than one value; all that chose anything where there is none."""
    there = [label for label, counter in found.items() if counter]
    return [label for label in there if len(found[label]) > 1] or there


def _counted(data: ReportData, where: Slice, label: str) -> dict[str, Counter[str]]:
    counted: dict[str, Counter[str]] = {part: Counter() for part in _PARTS}
    for stored in data.cells(where)[label]:
        for entry in stored.result.choices:
            counted[entry["part"]][entry["value"]] += entry["count"]
    return counted


def _natural(value: str) -> tuple[float, str]:
    try:
        return float(value), value
    except ValueError:
        return float("-inf"), value
