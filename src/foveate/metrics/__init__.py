"""How good an answer is: matching, F1, average precision, and the annotation files that say what is true."""

from foveate.metrics.average_precision import AveragePrecision, ClassPrecision, SizePrecision, average_precision
from foveate.metrics.coco import AnnotatedImage, read_coco, write_coco
from foveate.metrics.f1 import Counts, F1Counter
from foveate.metrics.matching import Matches, iou_matrix, match
from foveate.metrics.mot import MOT_CLASSES, read_mot, write_mot
from foveate.metrics.outlines import decode_outline, encode_outline
from foveate.metrics.supervision import from_supervision, to_supervision
from foveate.metrics.truth import Truth, only_by_people, with_ignore_rules

__all__ = [
    "MOT_CLASSES",
    "AnnotatedImage",
    "AveragePrecision",
    "ClassPrecision",
    "Counts",
    "F1Counter",
    "Matches",
    "SizePrecision",
    "Truth",
    "average_precision",
    "decode_outline",
    "encode_outline",
    "from_supervision",
    "iou_matrix",
    "match",
    "only_by_people",
    "read_coco",
    "read_mot",
    "to_supervision",
    "with_ignore_rules",
    "write_coco",
    "write_mot",
]
