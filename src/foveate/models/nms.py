"""Non-maximum suppression: by torchvision where it loads, else in plain torch, exact and without a loop over boxes."""

import torch
from torch import Tensor

from foveate.models.torchvision_ops import torchvision_ops

BLOCK = 1024
"""Boxes that are compared with one another at a time."""


def pairwise_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of xyxy boxes `(n, 4)` and `(m, 4)`: `(n, m)`, 0 where both are empty."""
    overlaps = [
        (torch.minimum(a[:, None, axis + 2], b[:, axis + 2]) - torch.maximum(a[:, None, axis], b[:, axis])).clamp(min=0)
        for axis in (0, 1)
    ]
    intersection = overlaps[0] * overlaps[1]
    areas = [(boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(dim=1) for boxes in (a, b)]
    union = areas[0][:, None] + areas[1] - intersection
    return intersection / union.clamp(min=1e-9)


def nms(boxes: Tensor, scores: Tensor, class_id: Tensor, iou_threshold: float) -> Tensor:
    """Indices of the boxes that greedy suppression per class keeps, by descending score (ties: lower index first).

    `boxes` `(n, 4)` xyxy, `scores` `(n,)`, `class_id` `(n,)`. A box falls if a kept box of its class with a higher
    score overlaps it by more than `iou_threshold`.
    """
    order = torch.argsort(scores, descending=True, stable=True)
    sorted_boxes, sorted_class, sorted_scores = boxes[order].float(), class_id[order], scores[order].float()
    ops = torchvision_ops()
    if ops is None and len(order) <= BLOCK:
        same = sorted_class[:, None] == sorted_class[None]
        return order[_settle((pairwise_iou(sorted_boxes, sorted_boxes) > iou_threshold) & same)]
    kept = torch.zeros(len(order), dtype=torch.bool, device=boxes.device)
    for number in torch.unique(sorted_class):
        members = torch.nonzero(sorted_class == number).squeeze(1)
        own = sorted_boxes[members]
        if ops is None:
            kept[members] = _suppress(own, iou_threshold)
        else:
            kept[members[ops.nms(own, sorted_scores[members], iou_threshold)]] = True
    return order[kept]


def _suppress(boxes: Tensor, iou_threshold: float) -> Tensor:
    """Which boxes of one class, best first, are kept: bool `(n,)`. Memory grows with n, not with its square."""
    kept = torch.zeros(len(boxes), dtype=torch.bool, device=boxes.device)
    for start in range(0, len(boxes), BLOCK):
        block = boxes[start : start + BLOCK]
        better = boxes[:start][kept[:start]]
        alive = torch.ones(len(block), dtype=torch.bool, device=boxes.device)
        for part in torch.split(better, BLOCK):
            alive &= ~(pairwise_iou(part, block) > iou_threshold).any(dim=0)
        left = torch.nonzero(alive).squeeze(1)
        overlaps = pairwise_iou(block[left], block[left]) > iou_threshold
        kept[start + left[_settle(overlaps)]] = True
    return kept


def _settle(overlaps: Tensor) -> Tensor:
    """Which boxes, best first, greedy suppression keeps, given who overlaps whom: bool `(n, n)` -> bool `(n,)`.

    The greedy answer is the only fixed point of "kept = overlapped by no kept box before me", and each round settles
    at least one more box, so iterating reaches it.
    """
    before = overlaps.triu(diagonal=1)
    kept = torch.ones(len(before), dtype=torch.bool, device=before.device)
    while True:
        settled = ~(before & kept[:, None]).any(dim=0)
        if bool((settled == kept).all()):
            return kept
        kept = settled
