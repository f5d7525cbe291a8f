"""Figures of what objects are found: by age, speed and size, and the new ones."""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from foveate.evaluation.lab.figures.style import MUTED, Drawn, colors_of, legend_above, lines_of, styled
from foveate.evaluation.lab.object_scores import BINS
from foveate.evaluation.lab.report_data import ReportData
from foveate.evaluation.lab.standings import Slice
from foveate.evaluation.lab.store import Stored
from foveate.metrics import Counts

_AXES = {
    "age": "time since it entered",
    "speed": "speed, pixels of 1080p per 1/30 s",
    "size": "size, root of area, pixels of 1080p",
}


def by_property(data: ReportData, where: Slice) -> Drawn | None:
    """F1 by age, speed and size of objects."""
    cells = data.cells(where)
    sums = {label: _summed(found) for label, found in cells.items()}
    shown = [what for what in BINS if any(what == key[0] for found in sums.values() for key in found)]
    if not shown:
        return None
    lines, dodge = lines_of(data.labels), 0.4 / len(sums)
    with styled() as new_figure:
        figure = new_figure(figsize=(8.6, 3.2))
        for axes, what in zip(figure.subplots(1, len(shown), sharey=True, squeeze=False).ravel(), shown, strict=True):
            names = [name for name, _ in BINS[what]]
            for number, (label, found) in enumerate(sums.items()):
                x = np.arange(len(names)) + (number - (len(sums) - 1) / 2) * dodge
                y = [found[what, name].f1 if (what, name) in found else np.nan for name in names]
                axes.plot(x, y, marker="o", markersize=5, linewidth=1.0, alpha=0.9, **lines[label])
            axes.set_xticks(range(len(names)), names, fontsize=7.8)
            axes.set(title=what, xlabel=_AXES[what], ylabel="F1" if what == shown[0] else "")
            axes.tick_params(axis="x", length=0)
        axes.set_ylim(0, None)  # of all panels, once the highest is drawn
        legend_above(figure, list(sums), data.labels)
    return Drawn(
        name=f"objects-{where.kind}",
        title="F1 by age, speed and size of the objects",
        caption=(
            "Against exact truth where it exists. A box that lags behind counts as a false alarm of the object that it "
            "overlaps most; one over nothing has a size but neither age nor speed."
        ),
        figure=figure,
    )


def newcomers(data: ReportData, where: Slice) -> Drawn | None:
    """How many of the objects on screen entered after the frame whose result is displayed."""
    shares = {}
    for label, cells in data.cells(where).items():
        new, shown, found = (
            sum(int(value) for stored in cells if (value := stored.result.figures.get(name)) is not None)
            for name in ("new_objects", "objects_shown", "new_objects_found")
        )
        if shown:
            shares[label] = (new / shown, found / new if new else 0.0)
    if not shares:
        return None
    colors, labels = colors_of(data.labels), list(shares)
    with styled() as new_figure:
        figure = new_figure(figsize=(8.6, 0.9 + 0.36 * len(labels)))
        for axes, at, title in zip(
            figure.subplots(1, 2, sharey=True),
            (0, 1),
            ("new since the last offload", "recall of these"),
            strict=True,
        ):
            for row, label in enumerate(labels):
                axes.barh(row, 100 * shares[label][at], height=0.55, color=colors[label], alpha=0.85)
                beside = {"xytext": (5, 0), "textcoords": "offset points", "va": "center"}
                axes.annotate(f"{100 * shares[label][at]:.1f} %", (100 * shares[label][at], row), color=MUTED, **beside)
            axes.set_yticks(range(len(labels)), labels)
            axes.set_ylim(len(labels) - 0.5, -0.5)
            axes.set_xlim(0, 1.25 * max(100 * max(share[at] for share in shares.values()), 1e-3))
            axes.grid(visible=False, axis="y")
            axes.set_title(title)
            axes.set_xlabel("% of all objects shown" if at == 0 else "% of these objects")
    return Drawn(
        name=f"newcomers-{where.kind}",
        title="Objects that nobody could have told the device about",
        caption=(
            "An object that is not in the frame whose result is displayed can only be found by luck: the share on the "
            "left is what staleness alone costs in recall."
        ),
        figure=figure,
    )


def _summed(cells: Iterable[Stored]) -> dict[tuple[str, str], Counts]:
    sums: defaultdict[tuple[str, str], Counts] = defaultdict(Counts)
    for stored in cells:
        for entry in stored.result.objects:
            sums[entry["property"], entry["bin"]] += Counts(tp=entry["tp"], fp=entry["fp"], fn=entry["fn"])
    return dict(sums)
