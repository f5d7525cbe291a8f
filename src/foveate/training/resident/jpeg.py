"""What JPEG does to a batch of pictures, without the bytes: colour differences at half size, quantised cosines."""

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
"""Quantisation at quality 50 (ITU-T T.81, table K.1)."""
CHROMINANCE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)
"""The same for colour differences (table K.2)."""


def compressed(images: Tensor, quality: Tensor) -> Tensor:
    """`(B, 3, H, W)` in 0..255 after JPEG of `quality` `(B,)` 1..100, 4:2:0; H and W are multiples of 16."""
    red, green, blue = images.float().unbind(1)
    bright = 0.299 * red + 0.587 * green + 0.114 * blue
    chroma = torch.stack([(blue - bright) * 0.564, (red - bright) * 0.713], dim=1)
    bright = _quantised((bright - 128)[:, None], _table(LUMINANCE, quality))[:, 0] + 128
    small = _quantised(F.avg_pool2d(chroma, 2), _table(CHROMINANCE, quality))
    blueness, redness = F.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False).unbind(1)
    red, blue = bright + 1.402 * redness, bright + 1.772 * blueness
    green = (bright - 0.299 * red - 0.114 * blue) / 0.587
    return torch.stack([red, green, blue], dim=1).clamp_(0, 255).to(images.dtype)


def _table(base: tuple[tuple[int, ...], ...], quality: Tensor) -> Tensor:
    """Steps `(B, 1, 1, 8, 1, 8)` of a quality, by the rule of the Independent JPEG Group's library."""
    percent = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality)[:, None, None]
    steps = ((torch.tensor(base, device=quality.device) * percent + 50) / 100).floor().clamp(1, 255)
    return steps[:, None, None, :, None, :]


def _quantised(planes: Tensor, steps: Tensor) -> Tensor:
    """Planes `(B, n, H, W)` with the cosines of their 8 x 8 blocks rounded to multiples of `steps`."""
    basis = _cosines(planes.device)
    rows, columns = planes.shape[2] // 8, planes.shape[3] // 8
    blocks = planes.reshape(*planes.shape[:2], rows, 8, columns, 8)
    spectrum = torch.einsum("ij,bnhjwk,lk->bnhiwl", basis, blocks, basis)
    spectrum = (spectrum / steps).round() * steps
    return torch.einsum("ij,bnhiwl,lk->bnhjwk", basis, spectrum, basis).flatten(4, 5).flatten(2, 3)


@lru_cache(maxsize=4)
def _cosines(torch_device: torch.device) -> Tensor:
    """The orthonormal 8 x 8 cosine transform."""
    place, frequency = torch.arange(8) + 0.5, torch.arange(8)[:, None]
    basis = torch.cos(math.pi / 8 * frequency * place) / 2
    basis[0] /= math.sqrt(2)
    return basis.to(torch_device)
