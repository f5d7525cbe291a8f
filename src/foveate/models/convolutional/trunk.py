"""Residual stages of 3 x 3 convolutions (He et al. 2016, "Identity mappings in deep residual networks").

Normalised over the channels of each cell, so that a crop looks to the network like a part of a frame of any size.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from foveate.models.pyramid import ChannelNorm


class ConvTrunk(nn.Module):
    """Maps of every stage: 4 pixels per cell after the first, twice as many after each other one."""

    def __init__(self, channels: tuple[int, ...], blocks: tuple[int, ...]) -> None:
        super().__init__()
        first = channels[0]
        self.stem = nn.Sequential(
            nn.Conv2d(3, first, 3, stride=2, padding=1, bias=False),
            ChannelNorm(first),
            nn.ReLU(),
            nn.Conv2d(first, first, 3, stride=2, padding=1, bias=False),
        )
        before = (first, *channels[:-1])
        self.stages = nn.ModuleList(
            _Stage(inner, outer, count, halved=number > 0)
            for number, (inner, outer, count) in enumerate(zip(before, channels, blocks, strict=True))
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """`(B, 3, H, W)` -> one `(B, channels, ceil(H / stride), ceil(W / stride))` per stage, finest first."""
        maps = [self.stem(x)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps[1:]


class _Stage(nn.Module):
    def __init__(self, inner: int, outer: int, count: int, *, halved: bool) -> None:
        super().__init__()
        halving = nn.Sequential(ChannelNorm(inner), nn.Conv2d(inner, outer, 3, stride=2, padding=1, bias=False))
        self.enter: nn.Module = halving if halved else nn.Identity()
        self.blocks = nn.ModuleList(_Block(outer) for _ in range(count))
        self.norm = ChannelNorm(outer)

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x)
        for block in self.blocks:
            x = block(x)
        return F.relu(self.norm(x))


class _Block(nn.Module):
    """Two convolutions beside the identity; the second starts at zero, so that depth costs nothing at first."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first_norm, self.second_norm = ChannelNorm(channels), ChannelNorm(channels)
        self.first = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        inner: Tensor = self.second(F.relu(self.second_norm(self.first(F.relu(self.first_norm(x))))))
        return x + inner
