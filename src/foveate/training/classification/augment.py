"""Random views of a batch of small pictures, as functions of a generator: crop, flip, colour, and mixing of two."""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from foveate.core import InputError


@dataclass(frozen=True, kw_only=True)
class ClassificationAugment:
    """How views vary. Raises `InputError` for shares outside 0..1."""

    least_area: float = 0.4
    """Smallest part of a picture that a crop shows, by area; crops are enlarged to the wanted size."""
    stretch: float = 1.25
    """Largest ratio by which a crop's aspect is changed."""
    flip_share: float = 0.5
    colour: float = 0.25
    """Largest relative change of brightness, contrast and saturation."""
    mixup_share: float = 0.2
    """Share of batches whose pictures are blended in pairs (Zhang et al. 2018)."""
    cutmix_share: float = 0.3
    """Share of batches whose pictures get a rectangle of another one (Yun et al. 2019)."""
    smoothing: float = 0.1
    """Part of each target that is spread over all classes."""

    def __post_init__(self) -> None:
        shares = (self.least_area, self.flip_share, self.mixup_share, self.cutmix_share, self.smoothing)
        if not all(0 <= share <= 1 for share in shares) or self.mixup_share + self.cutmix_share > 1:
            raise InputError(f"shares must lie in 0..1 and those of mixing sum to at most 1, got {shares}")
        if self.stretch < 1 or self.colour < 0 or self.least_area == 0:
            raise InputError(f"stretch must be at least 1, colour 0, and crops not empty, got {self}")


PLAIN = ClassificationAugment(least_area=1.0, stretch=1.0, flip_share=0, colour=0, mixup_share=0, cutmix_share=0)
"""Pictures as they are."""


def augment(images: Tensor, size: tuple[int, int], config: ClassificationAugment, rng: np.random.Generator) -> Tensor:
    """Random views: uint8 `(B, H, W, 3)` -> float32 `(B, 3, height, width)` in 0..255."""
    pixels = images.permute(0, 3, 1, 2).float()
    boxes = _crops(len(images), config, rng).to(pixels.device)
    grid = F.affine_grid(boxes, [len(images), 3, *size], align_corners=False)
    views = F.grid_sample(pixels, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return _recolour(views, config, rng) if config.colour else views


def _crops(count: int, config: ClassificationAugment, rng: np.random.Generator) -> Tensor:
    """Affine maps `(count, 2, 3)` from the view to the picture, both -1..1."""
    area = rng.uniform(config.least_area, 1, count)
    aspect = np.exp(rng.uniform(-1, 1, count) * math.log(config.stretch) / 2)
    scale = np.minimum(np.stack([np.sqrt(area) * aspect, np.sqrt(area) / aspect]), 1)
    centre = rng.uniform(-1, 1, (2, count)) * (1 - scale)
    sign = np.where(rng.random(count) < config.flip_share, -1, 1)
    maps = np.zeros((count, 2, 3), np.float32)
    maps[:, 0, 0], maps[:, 1, 1] = scale[0] * sign, scale[1]
    maps[:, 0, 2], maps[:, 1, 2] = centre
    return torch.from_numpy(maps)


def _recolour(views: Tensor, config: ClassificationAugment, rng: np.random.Generator) -> Tensor:
    """Brightness, contrast and saturation of each picture."""
    gains = torch.from_numpy(1 + rng.uniform(-config.colour, config.colour, (3, len(views), 1, 1, 1))).to(views)
    views = views * gains[0]
    mean = views.mean(dim=(1, 2, 3), keepdim=True)
    views = mean + (views - mean) * gains[1]
    grey = views.mean(dim=1, keepdim=True)
    return (grey + (views - grey) * gains[2]).clamp_(0, 255)


def soft_targets(labels: Tensor, classes: int, smoothing: float) -> Tensor:
    """Labels `(B,)` -> shares `(B, classes)` that sum to 1."""
    return F.one_hot(labels, classes).float().mul_(1 - smoothing).add_(smoothing / classes)


def mix(
    images: Tensor, targets: Tensor, config: ClassificationAugment, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Mix each picture with that of the opposite place in the batch, or leave the batch: one draw for all."""
    draw, share = rng.random(), float(rng.beta(1.0, 1.0))
    others = images.flip(0)
    if draw < config.mixup_share:
        return torch.lerp(others, images, share), torch.lerp(targets.flip(0), targets, share)
    if draw < config.mixup_share + config.cutmix_share:
        top, left, bottom, right = _rectangle(images.shape[2], images.shape[3], 1 - share, rng)
        images = images.clone()
        images[:, :, top:bottom, left:right] = others[:, :, top:bottom, left:right]
        kept = 1 - (bottom - top) * (right - left) / (images.shape[2] * images.shape[3])
        return images, torch.lerp(targets.flip(0), targets, kept)
    return images, targets


def _rectangle(height: int, width: int, area: float, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """A rectangle of about this share of the area, cut at the border: top, left, bottom, right."""
    side = math.sqrt(area)
    middle = rng.uniform(0, 1, 2)
    top, bottom = (int(np.clip(middle[0] + sign * side / 2, 0, 1) * height) for sign in (-1, 1))
    left, right = (int(np.clip(middle[1] + sign * side / 2, 0, 1) * width) for sign in (-1, 1))
    return top, left, bottom, right
