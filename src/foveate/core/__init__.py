"""Vocabulary that every room shares: value types, the region grid, clocks and errors. numpy only."""

from foveate.core.clock import Clock, ManualClock, MonotonicClock
from foveate.core.detections import STREET_CLASSES, Detections
from foveate.core.errors import (
    CodecError,
    FoveateError,
    InputError,
    MediaError,
    ProtocolError,
    TransportError,
    WeightsError,
)
from foveate.core.frame import Frame, Pixels, check_pixels
from foveate.core.home import foveate_home
from foveate.core.mixed import MixedFrame, Tiles, join_regions, split_regions
from foveate.core.offload import OffloadPlan, OffloadRecord
from foveate.core.regions import Mask, RegionGrid

__all__ = [
    "STREET_CLASSES",
    "Clock",
    "CodecError",
    "Detections",
    "FoveateError",
    "Frame",
    "InputError",
    "ManualClock",
    "Mask",
    "MediaError",
    "MixedFrame",
    "MonotonicClock",
    "OffloadPlan",
    "OffloadRecord",
    "Pixels",
    "ProtocolError",
    "RegionGrid",
    "Tiles",
    "TransportError",
    "WeightsError",
    "check_pixels",
    "foveate_home",
    "join_regions",
    "split_regions",
]
