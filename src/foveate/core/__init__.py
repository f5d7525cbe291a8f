"""Vocabulary that every room shares: value types, the region grid, clocks and errors. numpy only."""

from foveate.core.candidates import (
    Average,
    Candidates,
    ContentInputs,
    Estimate,
    EstimateOptions,
    Estimates,
    LatencyFit,
)
from foveate.core.clock import Clock, ManualClock, MonotonicClock
from foveate.core.content import FrameContent, LastOffload, LinkState
from foveate.core.detections import STREET_CLASSES, Detections
from foveate.core.errors import (
    CodecError,
    FoveateError,
    InputError,
    MediaError,
    ProtocolError,
    TransportError,
    VersionError,
    WeightsError,
)
from foveate.core.frame import Frame, Pixels, check_pixels
from foveate.core.home import foveate_home
from foveate.core.labelled_images import LabelledImages, split_by_class
from foveate.core.mixed import MixedFrame, Tiles, join_regions, split_regions
from foveate.core.offload import OffloadPlan, OffloadRecord
from foveate.core.profiles import (
    CodecProfile,
    ContentFit,
    ContentProfile,
    DeviceProfile,
    InferenceModel,
    OfflineMeans,
    Profile,
    Provenance,
    Regression,
    ServerProfile,
)
from foveate.core.regions import Mask, RegionGrid
from foveate.core.sample_profiles import PowerModel, SampleEnergy, SampleTimes
from foveate.core.samples import (
    Answerer,
    Cost,
    ExpertCard,
    Route,
    RoutingState,
    SampleRecord,
    ThresholdCurve,
)

__all__ = [
    "STREET_CLASSES",
    "Answerer",
    "Average",
    "Candidates",
    "Clock",
    "CodecError",
    "CodecProfile",
    "ContentFit",
    "ContentInputs",
    "ContentProfile",
    "Cost",
    "Detections",
    "DeviceProfile",
    "Estimate",
    "EstimateOptions",
    "Estimates",
    "ExpertCard",
    "FoveateError",
    "Frame",
    "FrameContent",
    "InferenceModel",
    "InputError",
    "LabelledImages",
    "LastOffload",
    "LatencyFit",
    "LinkState",
    "ManualClock",
    "Mask",
    "MediaError",
    "MixedFrame",
    "MonotonicClock",
    "OfflineMeans",
    "OffloadPlan",
    "OffloadRecord",
    "Pixels",
    "PowerModel",
    "Profile",
    "ProtocolError",
    "Provenance",
    "RegionGrid",
    "Regression",
    "Route",
    "RoutingState",
    "SampleEnergy",
    "SampleRecord",
    "SampleTimes",
    "ServerProfile",
    "ThresholdCurve",
    "Tiles",
    "TransportError",
    "VersionError",
    "WeightsError",
    "check_pixels",
    "foveate_home",
    "join_regions",
    "split_by_class",
    "split_regions",
]
