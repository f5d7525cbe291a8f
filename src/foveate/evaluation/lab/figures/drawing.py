"""Which figures a report has."""

from collections.abc import Callable, Iterator

from foveate.evaluation.lab.experiment import Figure
from foveate.evaluation.lab.figures import choices, delays, objects, overall, overhead, restoration, timeline
from foveate.evaluation.lab.figures.style import Drawn
from foveate.evaluation.lab.report_data import ReportData
from foveate.evaluation.lab.standings import Slice

Drawer = Callable[[ReportData, Slice], Drawn | None]
DRAWERS: dict[Figure, tuple[Drawer, ...]] = {
    "overall": (overall.rendering, overall.boxes, overall.differences, overall.freshness),
    "delays": (delays.stacks,),
    "codec": (delays.codec,),
    "choices": (choices.shares,),
    "objects": (objects.by_property, objects.newcomers),
    "overhead": (overhead.overhead,),
    "restoration": (restoration.restoration,),
    "timeline": (timeline.timeline,),
}


def draw_all(data: ReportData, where: Slice) -> Iterator[Drawn]:
    """The figures that the experiment asks for, of one slice."""
    for name in data.comparison.experiment.figures:
        for draw in DRAWERS.get(name, ()):
            drawn = draw(data, where)
            if drawn is not None:
                yield drawn
