"""The simple feature pyramid of ViTDet: several scales from the last map alone (Li et al. 2022, section 3)."""

import torch.nn.functional as F
from torch import Tensor, nn

from foveate.core import InputError


class ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of `(B, C, h, w)`; free of copies where channels are last in memory."""

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C, h, w)` -> the same shape."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class SimplePyramid(nn.Module):
    """Maps of `channels` at the given strides, pixels, from one map `(B, dim, h, w)` with a cell for each patch.

    A quarter and half a patch by transposed convolutions, one patch as it is, more by max pooling. `eps`: of the
    normalisations. Strides are those that `check_strides` lets pass.
    """

    def __init__(
        self, dim: int, channels: int, strides: tuple[int, ...], *, patch_size: int = 16, eps: float = 1e-5
    ) -> None:
        super().__init__()
        self.strides = strides
        quarters = [4 * stride // patch_size for stride in strides]
        self.scalers = nn.ModuleList(_scaler(dim, count, eps) for count in quarters)
        self.laterals = nn.ModuleList(_lateral(_scaled_dim(dim, count), channels, eps) for count in quarters)

    def forward(self, features: Tensor) -> list[Tensor]:
        """`(B, dim, h, w)` -> one `(B, channels, h_l, w_l)` per stride, finest first."""
        return [lateral(scaler(features)) for scaler, lateral in zip(self.scalers, self.laterals, strict=True)]


def check_strides(strides: tuple[int, ...], patch_size: int) -> None:
    """Raise `InputError` unless each stride is a quarter of a patch, half of one, or whole ones, finest first."""
    fit = all(stride % patch_size == 0 or patch_size in (2 * stride, 4 * stride) for stride in strides)
    if not fit or not strides or list(strides) != sorted({*strides}) or strides[0] < 1:
        raise InputError(
            f"strides must rise, each a quarter or half of a patch of {patch_size} pixels or whole patches, "
            f"got {strides}"
        )


def _scaled_dim(dim: int, quarters: int) -> int:
    return {1: dim // 4, 2: dim // 2}.get(quarters, dim)


def _scaler(dim: int, quarters: int, eps: float) -> nn.Module:
    """From cells of one patch to cells of so many quarters of a patch."""
    if quarters == 1:
        return nn.Sequential(
            nn.ConvTranspose2d(dim, dim // 2, 2, stride=2),
            ChannelNorm(dim // 2, eps=eps),
            nn.GELU(),
            nn.ConvTranspose2d(dim // 2, dim // 4, 2, stride=2),
        )
    if quarters == 2:
        return nn.ConvTranspose2d(dim, dim // 2, 2, stride=2)
    if quarters == 4:
        return nn.Identity()
    return MaxPool(quarters // 4)


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
