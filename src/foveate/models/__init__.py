"""Vision models: the mixed-resolution plain ViT, its detector, and weights. Needs torch (extra `server`)."""

from foveate.models.backbone import Backbone, BackboneConfig
from foveate.models.classifier import Classifier, ClassifierConfig, vit_classifier
from foveate.models.classifier_weights import load_classifier, save_classifier
from foveate.models.convert_huggingface import convert_huggingface, load_huggingface_backbone
from foveate.models.convert_window import with_window
from foveate.models.convolutional import ConvDetector, ConvDetectorConfig
from foveate.models.dense import DenseDetector
from foveate.models.detector import Detector, DetectorConfig
from foveate.models.families import load_model
from foveate.models.fetch import Fetched, fetch_published
from foveate.models.flops import backbone_flops
from foveate.models.head import HeadOutput
from foveate.models.importance import GlancingDetector, ImportanceOptions, detect_with_importance
from foveate.models.mixed_detector import MixedDetector
from foveate.models.nms import nms, pairwise_iou
from foveate.models.presets import convdet_small, vitdet_base, vitdet_nano, vitdet_small, vitdet_tiny
from foveate.models.published import Published, published_models
from foveate.models.rcnn import COCO_CLASSES, RcnnConfig, RcnnDetector, Segmented, convert_detectron2
from foveate.models.run_window import run_at_window
from foveate.models.slicing import detect_in_slices, merge_slices, slice_frame
from foveate.models.unpickle import read_checkpoint
from foveate.models.weights import (
    SHIPPED,
    content_digest,
    describe_weights,
    find_weights,
    known_checkpoints,
    known_models,
    load_detector,
    read_card,
    read_config,
    save_detector,
)
from foveate.models.widen import widen

__all__ = [
    "COCO_CLASSES",
    "SHIPPED",
    "Backbone",
    "BackboneConfig",
    "Classifier",
    "ClassifierConfig",
    "ConvDetector",
    "ConvDetectorConfig",
    "DenseDetector",
    "Detector",
    "DetectorConfig",
    "Fetched",
    "GlancingDetector",
    "HeadOutput",
    "ImportanceOptions",
    "MixedDetector",
    "Published",
    "RcnnConfig",
    "RcnnDetector",
    "Segmented",
    "backbone_flops",
    "content_digest",
    "convdet_small",
    "convert_detectron2",
    "convert_huggingface",
    "describe_weights",
    "detect_in_slices",
    "detect_with_importance",
    "fetch_published",
    "find_weights",
    "known_checkpoints",
    "known_models",
    "load_classifier",
    "load_detector",
    "load_huggingface_backbone",
    "load_model",
    "merge_slices",
    "nms",
    "pairwise_iou",
    "published_models",
    "read_card",
    "read_checkpoint",
    "read_config",
    "run_at_window",
    "save_classifier",
    "save_detector",
    "slice_frame",
    "vit_classifier",
    "vitdet_base",
    "vitdet_nano",
    "vitdet_small",
    "vitdet_tiny",
    "widen",
    "with_window",
]
