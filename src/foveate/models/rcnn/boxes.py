"""Boxes from boxes: the four deltas of R-CNN (Girshick et al. 2014, appendix C), and clipping to the frame."""

import math

import torch
from torch import Tensor

LARGEST_GROWTH = math.log(1000 / 16)
"""Logarithm of the largest factor by which width or height may grow, as in detectron2."""

Weights = tuple[float, float, float, float]
"""By what the deltas of centre x, centre y, width and height were multiplied in training."""


def apply_deltas(boxes: Tensor, deltas: Tensor, weights: Weights) -> Tensor:
    """xyxy `boxes` `(n, 4)` moved and scaled by `deltas` `(n, k, 4)` of (x, y, width, height): `(n, k, 4)` float32."""
    boxes, deltas = boxes.float()[:, None], deltas.float() / deltas.new_tensor(weights, dtype=torch.float32)
    size = boxes[..., 2:] - boxes[..., :2]
    centre = boxes[..., :2] + 0.5 * size + deltas[..., :2] * size
    half = 0.5 * size * deltas[..., 2:].clamp(max=LARGEST_GROWTH).exp()
    return torch.cat([centre - half, centre + half], dim=-1)


def clip_boxes(boxes: Tensor, height: int, width: int) -> Tensor:
    """xyxy boxes `(..., 4)` cut off at the borders of the frame."""
    limits = boxes.new_tensor([width, height, width, height])
    return torch.minimum(boxes.clamp(min=0), limits)
