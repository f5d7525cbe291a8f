"""Colours, blur, noise and compression of a batch: what `recolour` does to one crop.

Hue and saturation turn and stretch the plane of colour differences (YIQ), which spares a way through HSV.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from foveate.training.colour import ColourConfig
from foveate.training.resident.jpeg import compressed

_TO_YIQ = ((0.299, 0.587, 0.114), (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))
Change = Callable[[Tensor, torch.Generator], Tensor]
_RADIUS = 4
"""Of the blur's kernel, pixels: more than two and a half times the largest sigma."""


def recolour_batch(images: Tensor, config: ColourConfig, generator: torch.Generator) -> Tensor:
    """`(B, 3, H, W)` in 0..255 -> uint8 of the same shape; H and W are multiples of 16."""
    images = _graded(images, config, generator)
    images = _on_some(images, config.blur_share, _blurred, generator)
    images = _on_some(images, config.noise_share, _noisy, generator)

    def jpeg(some: Tensor, generator: torch.Generator) -> Tensor:
        low, high = config.jpeg_quality
        quality = _uniform((len(some),), some, generator) * (high - low) + low
        return compressed(some, quality.round())

    images = _on_some(images.clamp_(0, 255), config.jpeg_share, jpeg, generator)
    return images.round_().clamp_(0, 255).to(torch.uint8)


def _uniform(shape: tuple[int, ...], like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=generator, device=like.device)


def _on_some(images: Tensor, share: float, change: Change, generator: torch.Generator) -> Tensor:
    """`change` of a random part of the batch: always equally many, so that nobody waits for a count."""
    count = round(share * len(images))
    if count:
        chosen = torch.randperm(len(images), generator=generator, device=images.device)[:count]
        images[chosen] = change(images[chosen], generator)
    return images


def _graded(images: Tensor, config: ColourConfig, generator: torch.Generator) -> Tensor:
    """Hue, saturation, contrast and brightness as one affine map of colours per crop."""
    count = len(images)
    draws = 2 * _uniform((5, count), images, generator) - 1
    angle = draws[0] * config.hue * torch.pi / 90
    saturation = 1 + draws[1] * config.saturation
    saturation = torch.where((draws[4] + 1) / 2 < config.grey_share, 0.0, saturation)
    gain, shift = 1 + draws[2] * config.contrast, draws[3] * config.brightness
    to_yiq = torch.tensor(_TO_YIQ, device=images.device)
    turn = torch.zeros(count, 3, 3, device=images.device)
    turn[:, 0, 0] = 1
    turn[:, 1, 1] = turn[:, 2, 2] = angle.cos() * saturation
    turn[:, 2, 1] = angle.sin() * saturation
    turn[:, 1, 2] = -turn[:, 2, 1]
    matrix = (torch.linalg.inv(to_yiq) @ turn @ to_yiq) * gain[:, None, None]
    offset = 128 - 128 * gain + shift
    return _mapped(images, matrix, offset).clamp_(0, 255)


def _mapped(images: Tensor, matrix: Tensor, offset: Tensor) -> Tensor:
    """Colours times `(B, 3, 3)` plus `(B,)`, channel by channel: products of 3 x 3 are slow as a batch."""
    matrix, offset = matrix.to(images.dtype)[..., None, None], offset.to(images.dtype)[:, None, None]
    channels = images.unbind(1)
    rows = []
    for row in matrix.unbind(1):
        total = torch.addcmul(offset, channels[0], row[:, 0])
        rows.append(total.addcmul_(channels[1], row[:, 1]).addcmul_(channels[2], row[:, 2]))
    return torch.stack(rows, dim=1)


def _blurred(images: Tensor, generator: torch.Generator) -> Tensor:
    sigma = 0.3 + 1.2 * _uniform((len(images), 1), images, generator)
    places = torch.arange(-_RADIUS, _RADIUS + 1, device=images.device)
    kernel = torch.exp(-0.5 * (places / sigma) ** 2)
    kernel = (kernel / kernel.sum(dim=1, keepdim=True)).repeat_interleave(3, dim=0).to(images.dtype)
    stacked = images.flatten(0, 1)[None]
    stacked = F.pad(stacked, (_RADIUS,) * 4, mode="reflect")
    for shape in ((-1, 1, 2 * _RADIUS + 1, 1), (-1, 1, 1, 2 * _RADIUS + 1)):
        stacked = F.conv2d(stacked, kernel.reshape(shape), groups=len(kernel))
    return stacked.reshape(images.shape)


def _noisy(images: Tensor, generator: torch.Generator) -> Tensor:
    sigma = 2 + 8 * _uniform((len(images), 1, 1, 1), images, generator)
    shape = (len(images), 1, *images.shape[2:])
    noise = torch.randn(shape, generator=generator, device=images.device) * sigma
    return images + noise.to(images.dtype)
