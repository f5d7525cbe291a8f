"""Anchors: boxes of fixed sizes and shapes at every cell of every level (Ren et al. 2015, section 3.1.1)."""

import math

import torch
from torch import Tensor


def cell_anchors(size: float, ratios: tuple[float, ...]) -> Tensor:
    """xyxy boxes `(len(ratios), 4)` of area `size ** 2` around 0; a ratio is height to width."""
    rows = []
    for ratio in ratios:
        width = math.sqrt(size**2 / ratio)
        height = ratio * width
        rows.append([-width / 2, -height / 2, width / 2, height / 2])
    return torch.tensor(rows)


def level_anchors(cell: Tensor, rows: int, columns: int, stride: int) -> Tensor:
    """Boxes of a level in pixels, `(rows * columns * ratios, 4)`: cells in raster order, then ratios.

    The anchors of a cell lie around its upper left corner (detectron2's offset 0).
    """
    y = torch.arange(rows, device=cell.device, dtype=torch.float32) * stride
    x = torch.arange(columns, device=cell.device, dtype=torch.float32) * stride
    corner = torch.cartesian_prod(y, x).flip(1).repeat(1, 2)
    return (corner[:, None] + cell).reshape(-1, 4)
