"""Non-maximum suppression in numpy, for a device that has no torch."""

import numpy as np

from foveate.core import Detections
from foveate.metrics.matching import iou_matrix


def suppress(found: Detections, iou: float) -> Detections:
    """What greedy suppression per class keeps, by descending score (ties: lower index first).

    A box falls if a kept box of its class with a higher score overlaps it by more than `iou`: `models.nms` without
    torch.
    """
    order = np.argsort(-found.scores, kind="stable")
    ranked = found.select(order)
    falls = np.zeros(len(ranked), np.bool_)
    # Row by row: a matrix of all pairs would take hundreds of megabytes for the boxes of many slices.
    for row in range(len(ranked)):
        if not falls[row]:
            overlaps = iou_matrix(ranked.boxes[row : row + 1], ranked.boxes[row + 1 :])[0] > iou
            falls[row + 1 :] |= overlaps & (ranked.class_id[row + 1 :] == ranked.class_id[row])
    return ranked.select(~falls)
