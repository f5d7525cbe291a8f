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
from foveate.core.class_profile import AccuracyLine, AccuracyTable, ClassProfile, SizeLine, SizeTable
from foveate.core.clock import Clock, ManualClock, MonotonicClock
from foveate.core.content import FrameContent, LastOffload, LinkState
from foveate.core.detections import STREET_CLASSES, Detections, join_detections
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
from foveate.core.importance import (
    CLASS_QUALITIES,
    IMPORTANCE_CLASSES,
    PATCH,
    ClassMap,
    DeviceGlance,
    ImportanceMap,
    box_importance,
    carry_importance,
    check_class_map,
    class_shares,
    patch_grid,
)
from foveate.core.mixed import MixedFrame, Tiles, join_regions, split_regions
from foveate.core.offload import OffloadPlan, OffloadRecord
from foveate.core.pairs import PairTimes, computed_pixels, sent_pixels
from foveate.core.profiles import (
    CodecProfile,
    ContentFit,
    ContentProfile,
    DeviceProfile,
    InferenceModel,
    OfflineMeans,
    Profile,
    Regression,
    ServerProfile,
)
from foveate.core.provenance import Provenance
from foveate.core.regions import Mask, RegionGrid
from foveate.core.slicing import Slicing
from foveate.core.views import ImportanceLayers, ImportanceScale, ImportanceWish, Look, Looker, LookPlan, View

__all__ = [
    "CLASS_QUALITIES",
    "IMPORTANCE_CLASSES",
    "PATCH",
    "STREET_CLASSES",
    "AccuracyLine",
    "AccuracyTable",
    "Average",
    "Candidates",
    "ClassMap",
    "ClassProfile",
    "Clock",
    "CodecError",
    "CodecProfile",
    "ContentFit",
    "ContentInputs",
    "ContentProfile",
    "Detections",
    "DeviceGlance",
    "DeviceProfile",
    "Estimate",
    "EstimateOptions",
    "Estimates",
    "FoveateError",
    "Frame",
    "FrameContent",
    "ImportanceLayers",
    "ImportanceMap",
    "ImportanceScale",
    "ImportanceWish",
    "InferenceModel",
    "InputError",
    "LastOffload",
    "LatencyFit",
    "LinkState",
    "Look",
    "LookPlan",
    "Looker",
    "ManualClock",
    "Mask",
    "MediaError",
    "MixedFrame",
    "MonotonicClock",
    "OfflineMeans",
    "OffloadPlan",
    "OffloadRecord",
    "PairTimes",
    "Pixels",
    "Profile",
    "ProtocolError",
    "Provenance",
    "RegionGrid",
    "Regression",
    "ServerProfile",
    "SizeLine",
    "SizeTable",
    "Slicing",
    "Tiles",
    "TransportError",
    "VersionError",
    "View",
    "WeightsError",
    "box_importance",
    "carry_importance",
    "check_class_map",
    "check_pixels",
    "class_shares",
    "computed_pixels",
    "foveate_home",
    "join_detections",
    "join_regions",
    "patch_grid",
    "sent_pixels",
    "split_regions",
]
