"""The whole way of a frame, from the camera to the boxes, stage by stage beside what this machine could do at most."""

from foveate.profiling.way.measure import WaySettings, measure_way
from foveate.profiling.way.report import Row, Way

__all__ = ["Row", "Way", "WaySettings", "measure_way"]
