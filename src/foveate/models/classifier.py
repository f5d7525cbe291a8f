"""The classifier: small pictures of one size in, a score for every class out. Generalist and experts are such models.

It is the plain ViT of the detectors on one decision region: a picture of 8 x 8 patches (patch 8 at 64 pixels, 4 at 32)
is exactly one region of two windows a side, and a backbone with as many subsets as blocks attends globally in each.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from foveate.core import InputError
from foveate.models.backbone import Backbone, BackboneConfig
from foveate.models.mixed_detector import PIXEL_MEAN, PIXEL_STD

AT_ONCE, AT_ONCE_ON_CPU = 1024, 64
"""Pictures that `logits` passes through the model at a time."""


@dataclass(frozen=True, kw_only=True)
class ClassifierConfig:
    """Shape of a classifier. Raises `InputError` without classes."""

    backbone: BackboneConfig
    class_names: tuple[str, ...]
    image_size: int
    """Side of the square pictures that it is made for, pixels."""

    def __post_init__(self) -> None:
        if not self.class_names:
            raise InputError("a classifier needs at least one class, got none")


class Classifier(nn.Module):
    """Backbone, mean over tokens, normalisation, one linear map."""

    def __init__(self, config: ClassifierConfig, *, name: str = "untrained", weights_hash: str = "") -> None:
        super().__init__()
        self.config, self.name, self.weights_hash = config, name, weights_hash
        self.backbone = Backbone(config.backbone)
        self.norm = nn.LayerNorm(config.backbone.dim, eps=1e-6)
        self.head = nn.Linear(config.backbone.dim, len(config.class_names))
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.register_buffer("pixel_mean", torch.tensor(PIXEL_MEAN).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("pixel_scale", 1 / torch.tensor(PIXEL_STD).reshape(1, 3, 1, 1), persistent=False)
        self.pixel_mean: Tensor
        self.pixel_scale: Tensor

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of scores."""
        return self.config.class_names

    def forward(self, images: Tensor) -> Tensor:
        """Images `(B, 3, H, W)` RGB in 0..255, uint8 or float -> logits `(B, classes)`."""
        dtype = self.head.weight.dtype
        mean, scale = self.pixel_mean.to(dtype), self.pixel_scale.to(dtype)
        features = self.backbone(images.to(dtype).sub(mean).mul_(scale))
        logits: Tensor = self.head(self.norm(features.mean(dim=(2, 3))))
        return logits

    @torch.inference_mode()
    def logits(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Scores of pictures before the softmax: uint8 `(n, H, W, 3)` RGB -> float32 `(n, classes)`.

        Raises `InputError` unless the pictures have the model's size.
        """
        side = self.config.image_size
        if pixels.dtype != np.uint8 or pixels.shape[1:] != (side, side, 3):
            raise InputError(
                f"{self.name} needs pictures uint8 (n, {side}, {side}, 3), got {pixels.dtype} {pixels.shape}"
            )
        if not len(pixels):
            return np.zeros((0, len(self.class_names)), np.float32)
        images = torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2)
        device = self.pixel_mean.device
        at_once = AT_ONCE_ON_CPU if device.type == "cpu" else AT_ONCE
        parts = [self(part.to(device)).float().cpu() for part in torch.split(images, at_once)]
        return np.concatenate([part.numpy() for part in parts])


def vit_classifier(class_names: tuple[str, ...], *, image_size: int, dim: int, depth: int) -> Classifier:
    """A classifier with random weights: `depth` global blocks of `dim` channels, 8 x 8 patches, heads of 32.

    Raises `InputError` unless `image_size` is 64 or 32 times a power of two and `dim` a multiple of 32.
    """
    patch = image_size // 8
    if image_size % 32 or patch & (patch - 1):
        raise InputError(f"image_size must be 32 times a power of two, got {image_size}")
    if dim % 32:
        raise InputError(f"dim must be a multiple of 32, got {dim}")
    backbone = BackboneConfig(
        dim=dim,
        depth=depth,
        heads=dim // 32,
        subsets=depth,
        patch_size=patch,
        window_size=4,
        stem="convolutional",
        positions="tiled",
    )
    return Classifier(ClassifierConfig(backbone=backbone, class_names=class_names, image_size=image_size))
