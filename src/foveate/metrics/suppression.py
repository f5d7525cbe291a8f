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
    overlaps = iou_matrix(ranked.boxes, ranked.boxes) > iou
    overlaps &= ranked.class_id[:, None] == ranked.class_id[None]
    falls = np.zeros(len(ranked), np.bool_)
    for row in np.flatnonzero(np.triu(overlaps, 1).any(axis=1)).tolist():
        if not falls[row]:
            falls[row + 1 :] |= overlaps[row, row + 1 :]
    return ranked.select(~falls)
