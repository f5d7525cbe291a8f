"""Intersection over union of batches of boxes, and its generalised form."""

import torch
from torch import Tensor

TINY = 1e-7


def batched_iou(a: Tensor, b: Tensor) -> Tensor:
    """xyxy boxes `(B, M, 4)` and `(B, P, 4)` -> intersection over union `(B, M, P)`."""
    first, second = a[:, :, None], b[:, None]
    intersection = _area(torch.maximum(first[..., :2], second[..., :2]), torch.minimum(first[..., 2:], second[..., 2:]))
    union = _box_area(first) + _box_area(second) - intersection
    return intersection / union.clamp(min=TINY)


def generalised_iou(a: Tensor, b: Tensor) -> Tensor:
    """xyxy boxes `(n, 4)` and `(n, 4)` -> `(n,)` in -1..1 (Rezatofighi et al. 2019, algorithm 1)."""
    intersection = _area(torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:]))
    union = (_box_area(a) + _box_area(b) - intersection).clamp(min=TINY)
    hull = _area(torch.minimum(a[:, :2], b[:, :2]), torch.maximum(a[:, 2:], b[:, 2:])).clamp(min=TINY)
    return intersection / union - (hull - union) / hull


def _area(near: Tensor, far: Tensor) -> Tensor:
    sides = (far - near).clamp(min=0)
    return sides[..., 0] * sides[..., 1]


def _box_area(boxes: Tensor) -> Tensor:
    return _area(boxes[..., :2], boxes[..., 2:])
