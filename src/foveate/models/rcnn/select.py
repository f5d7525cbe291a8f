"""From probabilities and boxes of all proposals to the objects of a frame."""

import torch
from torch import Tensor

from foveate.models.nms import nms
from foveate.models.rcnn.config import RcnnConfig


def select_objects(
    probabilities: Tensor, boxes: Tensor, config: RcnnConfig, threshold: float
) -> tuple[Tensor, Tensor, Tensor]:
    """`(n, K + 1)` with background last and `(n, 1 or K, 4)` -> boxes `(m, 4)`, scores and class ids, best first.

    A proposal may become an object of several classes. Suppression is per class; at most `most_detections` remain, of
    which those without an area are left out.
    """
    whole = torch.isfinite(boxes).all(dim=2).all(dim=1) & torch.isfinite(probabilities).all(dim=1)
    scores = probabilities[:, :-1].masked_fill(~whole[:, None], -1)
    proposal, class_id = torch.nonzero(scores >= threshold).unbind(1)
    scores = scores[proposal, class_id]
    found = boxes[proposal, torch.zeros_like(class_id) if boxes.shape[1] == 1 else class_id]
    kept = nms(found, scores, class_id, config.nms_iou)[: config.most_detections]
    kept = kept[(found[kept, 2:] > found[kept, :2]).all(dim=1)]
    return found[kept], scores[kept], class_id[kept]
