"""Non-maximum suppression in plain torch, exact and without a loop over boxes."""

import torch
from torch import Tensor


def pairwise_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of xyxy boxes `(n, 4)` and `(m, 4)`: `(n, m)`, 0 where both are empty."""
    near = torch.maximum(a[:, None, :2], b[None, :, :2])
    far = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    intersection = (far - near).clamp(min=0).prod(dim=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(dim=1) for boxes in (a, b)]
    union = areas[0][:, None] + areas[1][None] - intersection
    return intersection / union.clamp(min=1e-9)


def nms(boxes: Tensor, scores: Tensor, class_id: Tensor, iou_threshold: float) -> Tensor:
    """Indices of the boxes that greedy suppression per class keeps, by descending score (ties: lower index first).

    `boxes` `(n, 4)` xyxy, `scores` `(n,)`, `class_id` `(n,)`. A box falls if a kept box of its class with a higher
    score overlaps it by more than `iou_threshold`. The greedy answer is the only fixed point of "kept = overlapped by
    no kept box before me", and each round settles at least one more box, so iterating reaches it.
    """
    order = torch.argsort(scores, descending=True, stable=True)
    sorted_boxes, sorted_class = boxes[order].float(), class_id[order]
    overlaps = pairwise_iou(sorted_boxes, sorted_boxes) > iou_threshold
    overlaps &= sorted_class[:, None] == sorted_class[None]
    overlaps = overlaps.triu(diagonal=1)
    kept = torch.ones(len(order), dtype=torch.bool, device=boxes.device)
    while True:
        settled = ~(overlaps & kept[:, None]).any(dim=0)
        if bool((settled == kept).all()):
            return order[kept]
        kept = settled
