"""Levels from several stages, each told of what the coarser ones see (Lin et al. 2017)."""

import torch.nn.functional as F
from torch import Tensor, nn

from foveate.models.pyramid import ChannelNorm


class FeaturePyramid(nn.Module):
    """One level of `channels` for each stage of so many channels in `inner`."""

    def __init__(self, inner: tuple[int, ...], channels: int) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(count, channels, 1, bias=False) for count in inner)
        self.smooth = nn.ModuleList(
            nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), ChannelNorm(channels)) for _ in inner
        )

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Maps of the stages, finest first -> as many of `channels`, of the same sizes."""
        levels = [lateral(stage) for lateral, stage in zip(self.laterals, maps, strict=True)]
        for finer in range(len(levels) - 2, -1, -1):
            size = levels[finer].shape[2:]
            above = F.interpolate(levels[finer + 1], scale_factor=2.0, mode="nearest")
            levels[finer] = levels[finer] + above[:, :, : size[0], : size[1]]
        return [smooth(level) for smooth, level in zip(self.smooth, levels, strict=True)]
