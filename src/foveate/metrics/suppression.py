"""Non-maximum suppression in numpy, for a device that has no torch."""

import numpy as np

from foveate.core import Detections
from foveate.metrics.matching import iou_matrix

_BLOCK = 64
"""Boxes that are compared with all later ones at a time."""


def suppress(found: Detections, iou: float) -> Detections:
    """What greedy suppression per class keeps, by descending score (ties: lower index first).

    A box falls if a kept box of its class with a higher score overlaps it by more than `iou`: `models.nms` without
    torch.
    """
    order = np.argsort(-found.scores, kind="stable")
    ranked = found.select(order)
    falls = np.zeros(len(ranked), np.bool_)
    # A matrix of all pairs would take hundreds of megabytes for the boxes of many slices.
    for start in range(0, len(ranked), _BLOCK):
        alive = start + np.flatnonzero(~falls[start : start + _BLOCK])
        overlaps = iou_matrix(ranked.boxes[alive], ranked.boxes[start:]) > iou
        overlaps &= ranked.class_id[alive, None] == ranked.class_id[start:]
        for row, overlapped in zip(alive, overlaps, strict=True):
            if not falls[row]:
                falls[row + 1 :] |= overlapped[row + 1 - start :]
    return ranked.select(~falls)
