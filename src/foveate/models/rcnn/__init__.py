"""R-CNN heads on the mixed-resolution backbone: ViTDet in the form in which its weights are published."""

from foveate.models.rcnn.coco import COCO_CLASSES
from foveate.models.rcnn.config import CASCADE_WEIGHTS, SINGLE_WEIGHTS, RcnnConfig
from foveate.models.rcnn.convert import convert_detectron2
from foveate.models.rcnn.detector import RcnnDetector
from foveate.models.rcnn.masks import Segmented

__all__ = [
    "CASCADE_WEIGHTS",
    "COCO_CLASSES",
    "SINGLE_WEIGHTS",
    "RcnnConfig",
    "RcnnDetector",
    "Segmented",
    "convert_detectron2",
]
