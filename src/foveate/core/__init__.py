"""Vocabulary that every room shares: value types, the region grid, clocks and errors. numpy only."""

from foveate.core.candidates import Candidates, Estimate, Estimates
from foveate.core.clock import Clock, ManualClock, MonotonicClock
from foveate.core.content import FrameContent, LinkState
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
from foveate.core.profiles import (
    CodecProfile,
    ContentProfile,
    DeviceProfile,
    InferenceModel,
    Profile,
    Provenance,
    Regression,
    ServerProfile,
)
from foveate.core.regions import Mask, RegionGrid

__all__ = [
    "STREET_CLASSES",
    "Candidates",
    "Clock",
    "CodecError",
    "CodecProfile",
    "ContentProfile",
    "Detections",
    "DeviceProfile",
    "Estimate",
    "Estimates",
    "FoveateError",
    "Frame",
    "FrameContent",
    "InferenceModel",
    "InputError",
    "LinkState",
    "ManualClock",
    "Mask",
    "MediaError",
    "MixedFrame",
    "MonotonicClock",
    "OffloadPlan",
    "OffloadRecord",
    "Pixels",
    "Profile",
    "ProtocolError",
    "Provenance",
    "RegionGrid",
    "Regression",
    "ServerProfile",
    "Tiles",
    "TransportError",
    "WeightsError",
    "check_pixels",
    "foveate_home",
    "join_regions",
    "split_regions",
]
