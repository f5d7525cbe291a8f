"""Between two results: what moves in a frame, and where the objects of the last result are now. No network."""

from foveate.tracking._base import LocalTracker
from foveate.tracking.detail import region_detail
from foveate.tracking.flow import FlowSettings
from foveate.tracking.grey import Grey, GreyPair, motion_size, reduce, tracking_size
from foveate.tracking.motion import Motion, MotionAnalyser
from foveate.tracking.still import NoTracker
from foveate.tracking.tracker import Tracker

__all__ = [
    "FlowSettings",
    "Grey",
    "GreyPair",
    "LocalTracker",
    "Motion",
    "MotionAnalyser",
    "NoTracker",
    "Tracker",
    "motion_size",
    "reduce",
    "region_detail",
    "tracking_size",
]
