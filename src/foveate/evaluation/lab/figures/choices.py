"""Figures of what was chosen."""

from collections import Counter

from foveate.evaluation.lab.figures.style import COLORS, INK, Drawn, styled
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
    varied = [part for part in _PARTS if len({value for found in counts.values() for value in found[part]}) > 1]
    if not varied:
        return None
    labels = list(counts)
    with styled() as new_figure:
        figure = new_figure(figsize=(8.6, (0.55 + 0.3 * len(labels)) * len(varied) + 0.2))
        for axes, part in zip(figure.subplots(len(varied), 1, squeeze=False).ravel(), varied, strict=True):
            values = sorted({value for found in counts.values() for value in found[part]}, key=_natural)
            for row, label in enumerate(labels):
                total, left = max(sum(counts[label][part].values()), 1), 0.0
                for number, value in enumerate(values):
                    width = 100 * counts[label][part][value] / total
                    axes.barh(row, width, left=left, height=0.6, color=COLORS[number % len(COLORS)], alpha=0.85)
                    if width > 7:
                        axes.text(left + width / 2, row, value, ha="center", va="center", color="white", fontsize=7.6)
                    left += width
            axes.set_yticks(range(len(labels)), labels)
            axes.set_ylim(len(labels) - 0.5, -0.5)
            axes.set_xlim(0, 100)
            axes.grid(visible=False)
            axes.tick_params(axis="y", length=0, labelcolor=INK)
            axes.set_title(_PARTS[part])
        axes.set_xlabel("% of offloads")
    return Drawn(
        name=f"choices-{where.kind}",
        title="What was chosen",
        caption=(
            "Shares of the offloads. Reasons: knee, the balance of latency and accuracy; lost and stale, the two "
            "halves of the urgency rule (too few objects still tracked; the last offload too long ago), which may "
            "hold at once; only, one configuration that no other beats; shown, the most that is expected to be right "
            "while it is shown."
        ),
        figure=figure,
    )


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
