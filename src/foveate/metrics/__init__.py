"""How good an answer is: matching, F1, average precision, and the annotation files that say what is true."""

from foveate.metrics.average_precision import AveragePrecision, ClassPrecision, SizePrecision, average_precision
from foveate.metrics.coco import AnnotatedImage, read_coco, write_coco
from foveate.metrics.ensemble import EnsembleOptions, ensemble
from foveate.metrics.f1 import Counts, F1Counter
from foveate.metrics.matching import Matches, areas, intersections, iou_matrix, match
from foveate.metrics.mot import MOT_CLASSES, read_mot, write_mot
from foveate.metrics.outlines import decode_outline, encode_outline
from foveate.metrics.supervision import from_supervision, to_supervision
from foveate.metrics.suppression import suppress
from foveate.metrics.truth import EVERY_CLASS, Truth, only_by_people, with_ignore_rules

__all__ = [
    "EVERY_CLASS",
    "MOT_CLASSES",
    "AnnotatedImage",
    "AveragePrecision",
    "ClassPrecision",
    "Counts",
    "EnsembleOptions",
    "F1Counter",
    "Matches",
    "SizePrecision",
    "Truth",
    "areas",
    "average_precision",
    "decode_outline",
    "encode_outline",
    "ensemble",
    "from_supervision",
    "intersections",
    "iou_matrix",
    "match",
    "only_by_people",
    "read_coco",
    "read_mot",
    "suppress",
    "to_supervision",
    "with_ignore_rules",
    "write_coco",
    "write_mot",
]
