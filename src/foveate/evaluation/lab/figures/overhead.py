"""What the device does beside encoding (ViTMAlis, figure 11)."""

from foveate.estimators import load_profile
from foveate.evaluation.lab.figures.style import COLORS, INK, Drawn, styled
from foveate.evaluation.lab.report_data import ReportData
from foveate.evaluation.lab.standings import Slice

_OBJECTS = 20
"""Of the tracker's bar."""


def overhead(data: ReportData, where: Slice) -> Drawn | None:
    """Durations of motion, tracking and deciding by profile; the same for every kind of clips."""
    names = list(dict.fromkeys(machine.profile for machine in data.comparison.experiment.machines))
    profiles = [load_profile(name) for name in names]
    rows = ("motion, each frame", f"tracker, a frame of {_OBJECTS} objects", "deciding, each offload")
    with styled() as new_figure:
        figure = new_figure(figsize=(8.6, 0.8 + 0.36 * len(rows) * len(profiles)))
        axes = figure.subplots()
        thick = 0.8 / len(profiles)
        for number, profile in enumerate(profiles):
            device = profile.device
            spans = (
                device.motion_s,
                device.tracker_frame_s + _OBJECTS * device.tracker_object_s,
                device.decide_s,
            )
            at = [row + (number - (len(profiles) - 1) / 2) * thick for row in range(len(rows))]
            name = f"{profile.name} ({profile.provenance.origin})"
            axes.barh(
                at, [1000 * span for span in spans], height=0.9 * thick, color=COLORS[number % len(COLORS)], label=name
            )
            for place, span in zip(at, spans, strict=True):
                beside = {"xytext": (5, 0), "textcoords": "offset points", "va": "center"}
                axes.annotate(f"{1000 * span:.1f} ms", (1000 * span, place), color=INK, fontsize=8.5, **beside)
        axes.set_yticks(range(len(rows)), rows)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.margins(x=0.15)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("milliseconds")
        figure.legend(loc="outside upper left", ncols=2)
    return Drawn(
        name=f"overhead-{where.kind}",
        title="What the device does beside encoding",
        caption=(
            "By the experiment's profiles. Motion and tracking run beside an offload and contend for the device's "
            "cores; deciding delays it."
        ),
        figure=figure,
    )
