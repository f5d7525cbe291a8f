"""A dense anchor-free head: one prediction per cell of every level (FCOS, Tian et al. 2019).

Class scores carry the localisation quality themselves (trained with soft targets), so there is no centerness branch.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from foveate.models.pyramid import ChannelNorm

PRIOR = 0.01
"""Class probability that the bias starts from, so that early training is not drowned by background."""


@dataclass(frozen=True, kw_only=True, eq=False)
class HeadOutput:
    """Predictions of all levels, finest first, cells in raster order."""

    class_logits: Tensor
    """`(B, P, K)`."""
    box_distances: Tensor
    """`(B, P, 4)`: left, top, right, bottom from the point, pixels, positive."""
    points: Tensor
    """`(P, 2)`: x, y of cell centres, pixels."""
    strides: Tensor
    """`(P,)`: pixels per cell."""

    def boxes(self) -> Tensor:
        """`(B, P, 4)` xyxy, pixels."""
        near = self.points - self.box_distances[..., :2]
        far = self.points + self.box_distances[..., 2:]
        return torch.cat([near, far], dim=-1)


class DenseHead(nn.Module):
    """Two towers shared by all levels; `convolutions` 3 x 3 convolutions each."""

    def __init__(self, channels: int, classes: int, strides: tuple[int, ...], convolutions: int) -> None:
        super().__init__()
        self.strides = strides
        self.class_tower = _tower(channels, convolutions)
        self.box_tower = _tower(channels, convolutions)
        self.class_logits = nn.Conv2d(channels, classes, 3, padding=1)
        self.box_distances = nn.Conv2d(channels, 4, 3, padding=1)
        self.level_scales = nn.Parameter(torch.ones(len(strides)))
        nn.init.normal_(self.class_logits.weight, std=0.01)
        nn.init.normal_(self.box_distances.weight, std=0.01)
        nn.init.constant_(self.class_logits.bias, -math.log((1 - PRIOR) / PRIOR))  # type: ignore[arg-type]
        nn.init.constant_(self.box_distances.bias, 2.0)  # type: ignore[arg-type]

    def forward(self, levels: list[Tensor]) -> HeadOutput:
        """One map `(B, C, h_l, w_l)` per stride -> predictions; distances and points in float32."""
        logits, distances, points, strides = [], [], [], []
        for level, stride, scale in zip(levels, self.strides, self.level_scales, strict=True):
            logits.append(_rows(self.class_logits(self.class_tower(level))))
            raw = _rows(self.box_distances(self.box_tower(level))).float() * scale.float()
            distances.append(F.softplus(raw) * stride)
            points.append(cell_centres(level.shape[2], level.shape[3], stride).to(level.device))
            strides.append(torch.full((len(points[-1]),), float(stride), device=level.device))
        return HeadOutput(
            class_logits=torch.cat(logits, dim=1),
            box_distances=torch.cat(distances, dim=1),
            points=torch.cat(points),
            strides=torch.cat(strides),
        )


def _tower(channels: int, convolutions: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(convolutions):
        layers += [nn.Conv2d(channels, channels, 3, padding=1, bias=False), ChannelNorm(channels), nn.ReLU()]
    return nn.Sequential(*layers)


def _rows(level: Tensor) -> Tensor:
    """`(B, C, h, w)` -> `(B, h * w, C)`."""
    return level.permute(0, 2, 3, 1).flatten(1, 2)


def cell_centres(rows: int, columns: int, stride: int) -> Tensor:
    """`(rows * columns, 2)` x, y in pixels, raster order."""
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    return (torch.stack([x, y], dim=-1).reshape(-1, 2).float() + 0.5) * stride
