"""Random views of a batch of small pictures, as functions of a generator: crop, flip, colour, and mixing of two.

Draws are made on the host, by the same generator for every kind of device; pixels are worked on where they lie, and
nothing waits for an accelerator.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
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
    """Share of pictures that are blended with another one (Zhang et al. 2018)."""
    cutmix_share: float = 0.3
    """Share of pictures that get a rectangle of another one (Yun et al. 2019)."""
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
    boxes = on_device(_crops(len(images), config, rng), pixels.device)
    grid = F.affine_grid(boxes, [len(images), 3, *size], align_corners=False)
    views = F.grid_sample(pixels, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return _recolour(views, config, rng) if config.colour else views


def _crops(count: int, config: ClassificationAugment, rng: np.random.Generator) -> NDArray[np.float32]:
    """Affine maps `(count, 2, 3)` from the view to the picture, both -1..1."""
    area = rng.uniform(config.least_area, 1, count)
    aspect = np.exp(rng.uniform(-1, 1, count) * math.log(config.stretch) / 2)
    scale = np.minimum(np.stack([np.sqrt(area) * aspect, np.sqrt(area) / aspect]), 1)
    centre = rng.uniform(-1, 1, (2, count)) * (1 - scale)
    sign = np.where(rng.random(count) < config.flip_share, -1, 1)
    maps = np.zeros((count, 2, 3), np.float32)
    maps[:, 0, 0], maps[:, 1, 1] = scale[0] * sign, scale[1]
    maps[:, 0, 2], maps[:, 1, 2] = centre
    return maps


def _recolour(views: Tensor, config: ClassificationAugment, rng: np.random.Generator) -> Tensor:
    """Brightness, contrast and saturation of each picture."""
    drawn = 1 + rng.uniform(-config.colour, config.colour, (3, len(views), 1, 1, 1))
    gains = on_device(drawn.astype(np.float32), views.device)
    views = views * gains[0]
    mean = views.mean(dim=(1, 2, 3), keepdim=True)
    views = mean + (views - mean) * gains[1]
    grey = views.mean(dim=1, keepdim=True)
    return (grey + (views - grey) * gains[2]).clamp_(0, 255)


def soft_targets(labels: Tensor, classes: int, smoothing: float) -> Tensor:
    """Labels `(B,)` -> shares `(B, classes)` that sum to 1."""
    spread = smoothing / classes
    shares = torch.full((len(labels), classes), spread, device=labels.device)
    return shares.scatter_(1, labels[:, None], 1 - smoothing + spread)


def mix(
    images: Tensor, targets: Tensor, config: ClassificationAugment, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Mix pictures with those of the opposite places in the batch, each by its own draw."""
    count, size = len(images), images.shape[2:]
    kind, share = rng.random(count), rng.random(count)
    blended = kind < config.mixup_share
    pasted = ~blended & (kind < config.mixup_share + config.cutmix_share)
    if not (blended | pasted).any():
        return images, targets
    edges = _rectangles(size, np.where(pasted, 1 - share, 0.0), rng)
    area = (edges[2] - edges[0]) * (edges[3] - edges[1]) / (size[0] * size[1])
    kept = np.where(blended, share, 1 - np.where(pasted, area, 0.0))
    drawn = on_device(np.stack([*edges, np.where(blended, share, 1.0), kept]).astype(np.float32), images.device)
    weights = _weights(size, drawn)
    return torch.lerp(images.flip(0), images, weights), torch.lerp(targets.flip(0), targets, drawn[5, :, None])


def _weights(size: Sequence[int], drawn: Tensor) -> Tensor:
    """What is left of each picture in each pixel, `(B, 1, H, W)`: 0 in its rectangle, its share elsewhere."""
    rows, columns = (torch.arange(side, device=drawn.device) for side in size)
    top, left, bottom, right, share = drawn[:5, :, None]
    in_rows, in_columns = (rows >= top) & (rows < bottom), (columns >= left) & (columns < right)
    inside = in_rows[:, :, None] & in_columns[:, None]
    return torch.where(inside, 0.0, share[:, :, None])[:, None]


def _rectangles(size: Sequence[int], area: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Rectangles of about these shares of the area, cut at the border: top, left, bottom, right, each `(B,)`."""
    half, middle = np.sqrt(area) / 2, rng.uniform(0, 1, (2, len(area)))
    sides = np.array(size, np.float64)[:, None]
    first, last = (np.floor(np.clip(middle + sign * half, 0, 1) * sides) for sign in (-1, 1))
    return np.concatenate([first, last])


def on_device(array: NDArray[Any], torch_device: torch.device) -> Tensor:
    """An array as a tensor; the host does not wait for the copy."""
    tensor = torch.from_numpy(array)
    return tensor if torch_device.type == "cpu" else tensor.pin_memory().to(torch_device, non_blocking=True)
