"""How good an answer is: matching, F1, average precision, and the annotation files that say what is true."""

from foveate.metrics.average_precision import AveragePrecision, ClassPrecision, SizePrecision, average_precision
from foveate.metrics.coco import AnnotatedImage, read_coco, write_coco
from foveate.metrics.f1 import Counts, F1Counter
from foveate.metrics.matching import Matches, iou_matrix, match
from foveate.metrics.truth import Truth, only_by_people, with_ignore_rules

__all__ = [
    "AnnotatedImage",
    "AveragePrecision",
    "ClassPrecision",
    "Counts",
    "F1Counter",
    "Matches",
    "SizePrecision",
    "Truth",
    "average_precision",
    "iou_matrix",
    "match",
    "only_by_people",
    "read_coco",
    "with_ignore_rules",
    "write_coco",
]
