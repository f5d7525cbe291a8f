"""Vision models: the mixed-resolution plain ViT, its detector, and weights. Needs torch (extra `server`)."""

from foveate.models.backbone import Backbone, BackboneConfig
from foveate.models.convert_huggingface import convert_huggingface, load_huggingface_backbone
from foveate.models.convert_window import with_window
from foveate.models.detector import Detector, DetectorConfig
from foveate.models.flops import backbone_flops
from foveate.models.head import HeadOutput
from foveate.models.importance import GlancingDetector, ImportanceOptions, detect_with_importance
from foveate.models.nms import nms, pairwise_iou
from foveate.models.presets import vitdet_nano, vitdet_small, vitdet_tiny
from foveate.models.slicing import detect_in_slices, merge_slices, slice_frame
from foveate.models.weights import SHIPPED, find_weights, known_models, load_detector, read_card, save_detector

__all__ = [
    "SHIPPED",
    "Backbone",
    "BackboneConfig",
    "Detector",
    "DetectorConfig",
    "GlancingDetector",
    "HeadOutput",
    "ImportanceOptions",
    "backbone_flops",
    "convert_huggingface",
    "detect_in_slices",
    "detect_with_importance",
    "find_weights",
    "known_models",
    "load_detector",
    "load_huggingface_backbone",
    "merge_slices",
    "nms",
    "pairwise_iou",
    "read_card",
    "save_detector",
    "slice_frame",
    "vitdet_nano",
    "vitdet_small",
    "vitdet_tiny",
    "with_window",
]
