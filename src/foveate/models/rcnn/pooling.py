"""Which level of a pyramid serves a box (Lin et al. 2017, equation 1)."""

import sys

import torch
from torch import Tensor

from foveate.models.rcnn.roi_align import roi_align

CANONICAL_SIZE = 224
"""A box of this side, pixels, ..."""
CANONICAL_LEVEL = 4
"""... is read from the level of stride 2 ** 4."""


def pool_boxes(levels: list[Tensor], strides: tuple[int, ...], boxes: Tensor, size: int) -> Tensor:
    """Features of xyxy `boxes` `(n, 4)` from one map `(1, C, h, w)` per stride: `(n, C, size, size)`."""
    chosen = choose_levels(boxes, strides)
    out = levels[0].new_zeros(len(boxes), levels[0].shape[1], size, size)
    out = out.contiguous(memory_format=torch.channels_last)
    for number, (level, stride) in enumerate(zip(levels, strides, strict=True)):
        part = torch.nonzero(chosen == number).squeeze(1)
        if len(part):
            out[part] = roi_align(level, boxes[part], 1 / stride, size)
    return out


def choose_levels(boxes: Tensor, strides: tuple[int, ...]) -> Tensor:
    """Index into `strides` (ascending powers of two) for each xyxy box: `(n,)` long."""
    sides = (boxes[:, 2:] - boxes[:, :2]).float().prod(dim=1).sqrt()
    level = torch.floor(CANONICAL_LEVEL + torch.log2(sides / CANONICAL_SIZE + sys.float_info.epsilon))
    lowest, highest = (stride.bit_length() - 1 for stride in (strides[0], strides[-1]))
    return level.clamp(lowest, highest).long() - lowest
