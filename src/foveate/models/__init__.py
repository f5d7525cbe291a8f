"""Vision models: the mixed-resolution plain ViT, its detector, and weights. Needs torch (extra `server`)."""

from foveate.models.backbone import Backbone, BackboneConfig
from foveate.models.classifier import Classifier, ClassifierConfig, vit_classifier
from foveate.models.classifier_weights import load_classifier, save_classifier
from foveate.models.convert_huggingface import convert_huggingface, load_huggingface_backbone
from foveate.models.convert_window import with_window
from foveate.models.detector import Detector, DetectorConfig
from foveate.models.flops import backbone_flops
from foveate.models.head import HeadOutput
from foveate.models.nms import nms, pairwise_iou
from foveate.models.presets import vitdet_nano, vitdet_small, vitdet_tiny
from foveate.models.weights import SHIPPED, find_weights, known_models, load_detector, read_card, save_detector

__all__ = [
    "SHIPPED",
    "Backbone",
    "BackboneConfig",
    "Classifier",
    "ClassifierConfig",
    "Detector",
    "DetectorConfig",
    "HeadOutput",
    "backbone_flops",
    "convert_huggingface",
    "find_weights",
    "known_models",
    "load_classifier",
    "load_detector",
    "load_huggingface_backbone",
    "nms",
    "pairwise_iou",
    "read_card",
    "save_classifier",
    "save_detector",
    "vit_classifier",
    "vitdet_nano",
    "vitdet_small",
    "vitdet_tiny",
    "with_window",
]
