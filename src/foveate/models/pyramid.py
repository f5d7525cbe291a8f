"""The simple feature pyramid of ViTDet: several scales from the last map alone (Li et al. 2022, section 3)."""

import torch.nn.functional as F
from torch import Tensor, nn


class ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of `(B, C, h, w)`; free of copies where channels are last in memory."""

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C, h, w)` -> the same shape."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class SimplePyramid(nn.Module):
    """Maps of `channels` at the given strides from one map `(B, dim, h, w)` of stride 16.

    Strides 4 and 8 by transposed convolutions, 16 as it is, 32 and 64 by max pooling. `eps`: of the normalisations.
    """

    def __init__(self, dim: int, channels: int, strides: tuple[int, ...], *, eps: float = 1e-5) -> None:
        super().__init__()
        self.strides = strides
        self.scalers = nn.ModuleList(_scaler(dim, stride, eps) for stride in strides)
        self.laterals = nn.ModuleList(_lateral(_scaled_dim(dim, stride), channels, eps) for stride in strides)

    def forward(self, features: Tensor) -> list[Tensor]:
        """`(B, dim, h, w)` -> one `(B, channels, h_l, w_l)` per stride, finest first."""
        return [lateral(scaler(features)) for scaler, lateral in zip(self.scalers, self.laterals, strict=True)]


def _scaled_dim(dim: int, stride: int) -> int:
    return {4: dim // 4, 8: dim // 2}.get(stride, dim)


def _scaler(dim: int, stride: int, eps: float) -> nn.Module:
    if stride == 4:
        return nn.Sequential(
            nn.ConvTranspose2d(dim, dim // 2, 2, stride=2),
            ChannelNorm(dim // 2, eps=eps),
            nn.GELU(),
            nn.ConvTranspose2d(dim // 2, dim // 4, 2, stride=2),
        )
    if stride == 8:
        return nn.ConvTranspose2d(dim, dim // 2, 2, stride=2)
    if stride == 16:
        return nn.Identity()
    return MaxPool(stride // 16)


class MaxPool(nn.Module):
    """Max pooling by a factor; a last partial cell counts as a cell, so that no border is lost."""

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C, h, w)` -> `(B, C, ceil(h / factor), ceil(w / factor))`."""
        return F.max_pool2d(x, self.factor, ceil_mode=True)


def _lateral(dim: int, channels: int, eps: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(dim, channels, 1, bias=False),
        ChannelNorm(channels, eps=eps),
        nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        ChannelNorm(channels, eps=eps),
    )
