"""From a dense head's candidates to the detections of a frame."""

import numpy as np
import torch

from foveate.core import Detections, RegionGrid
from foveate.models.head import Candidates
from foveate.models.nms import nms

CANDIDATES = 1000
"""Predictions per frame that enter suppression."""
MOST_DETECTIONS = 300
"""Detections per frame that leave it."""


def kept_detections(
    candidates: Candidates, grid: RegionGrid, nms_iou: float, class_names: tuple[str, ...]
) -> Detections:
    """What is left of a frame's candidates after clipping and suppression.

    Cells of patches that the frame fills in part may lie beyond it; a box that ends there has no area and is none.
    """
    limits = candidates.boxes.new_tensor([grid.width, grid.height, grid.width, grid.height])
    boxes = torch.minimum(candidates.boxes.clamp(min=0), limits)
    inside = (boxes[:, 2:] > boxes[:, :2]).all(dim=1)
    boxes, scores, class_id = boxes[inside], candidates.scores[inside], candidates.class_id[inside]
    kept = nms(boxes, scores, class_id, nms_iou)[:MOST_DETECTIONS]
    return Detections(
        boxes=boxes[kept].cpu().numpy(),
        scores=scores[kept].cpu().numpy(),
        class_id=class_id[kept].cpu().numpy().astype(np.int32),
        class_names=class_names,
    )
