"""What restoration points cost and save (ViTMAlis, figure 5)."""

from typing import Any

import numpy as np

from foveate.evaluation.lab.figures.overall import against
from foveate.evaluation.lab.figures.style import Drawn, colors_of, legend_above, styled
from foveate.evaluation.lab.report_data import Numbers, ReportData
from foveate.evaluation.lab.standings import Slice


def restoration(data: ReportData, where: Slice) -> Drawn | None:
    """Accuracy of the server's answers over their inference delay, one point per contender."""
    references, labels = data.references(where), list(data.cells(where))
    if not references or not labels:
        return None
    colors, delay = colors_of(data.labels), data.figure(where, "inference_s_p50")
    with styled() as new_figure:
        figure = new_figure(figsize=(8.6, 3.6))
        panels = figure.subplots(1, len(references), squeeze=False).ravel()
        for number, (axes, reference) in enumerate(zip(panels, references, strict=True)):
            accuracy = data.figure(where, f"inference_f1_{reference}")
            for label in labels:
                if len(accuracy[label]) and len(delay[label]):
                    _cross(axes, 1000 * delay[label], accuracy[label], colors[label])
            axes.set(xlabel="inference, milliseconds", ylabel="F1 of the server's answers" if number == 0 else "")
            axes.set_title(against(reference, number))
        legend_above(figure, labels, data.labels)
    return Drawn(
        name=f"restoration-{where.kind}",
        title="Accuracy and inference delay by restoration point",
        caption=(
            "Medians over cells with their quartiles. Answers are scored on the frames that were sent, so that neither "
            "link nor staleness plays a part; durations are the profile's."
        ),
        figure=figure,
    )


def _cross(axes: Any, x: Numbers, y: Numbers, color: str) -> None:
    """A point at the medians, arms to the quartiles."""
    (left, middle, right), (low, level, high) = (np.percentile(values, [25, 50, 75]) for values in (x, y))
    axes.plot([left, right], [level, level], color=color, linewidth=1.4)
    axes.plot([middle, middle], [low, high], color=color, linewidth=1.4)
    axes.plot(middle, level, "o", color=color, markersize=7)
