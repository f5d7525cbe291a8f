"""ViTPose: a plain ViT on crops of single persons (arXiv 2204.12484; ViTPose++ with experts, 2212.04246)."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from foveate.core import InputError, RegionGrid
from foveate.models.families._base import HeadedNetwork, MixedBackbone, MixedImages, even_points
from foveate.models.families.dinov2 import one_side
from foveate.models.families.tokens import Stage, TokenList


class MixedVitPoseBackbone(MixedBackbone):
    """Runs a `VitPoseBackbone` at mixed resolution. A region is any `w * d` patches; one size of crops only."""

    def __init__(self, theirs: Any, *, window_size: int = 1, downsampling_factor: int = 2) -> None:
        super().__init__(window_size=window_size, downsampling_factor=downsampling_factor)
        self.theirs = theirs
        config = theirs.config
        self.patch_size, self.size = one_side(config.patch_size), tuple(config.image_size)
        self.depth = config.num_hidden_layers
        self.taps, self.restore_before = (self.depth,), even_points(self.depth)
        self.expert = 0
        """Which dataset's expert answers in ViTPose++; 0 = COCO."""

    @property
    def size_multiple(self) -> None:
        """None: one size only."""
        return

    def region_grid(self, height: int, width: int) -> RegionGrid:
        """As every family; crops must have the one size that the positions were trained for."""
        if (height, width) != self.size:
            raise InputError(f"this ViTPose takes crops of {self.size[0]} x {self.size[1]}, got {height} x {width}")
        return super().region_grid(height, width)

    def prepare(self, images: Tensor) -> Tensor:
        """Moved down and right by the 2 pixels that their convolution pads, so that patches lie inside tiles."""
        return F.pad(images, (2, 0, 2, 0))[:, :, : images.shape[2], : images.shape[3]]

    def embed(self, tiles: Tensor) -> Tensor:
        """Their convolution on each tile; the padding is in the pixels already."""
        projection = self.theirs.embeddings.patch_embeddings.projection
        patches = F.conv2d(tiles, projection.weight, projection.bias, stride=projection.stride)
        return patches.permute(0, 2, 3, 1)

    def position_codes(self, grid: RegionGrid) -> Tensor:
        """Their table, to which they add the class token's entry."""
        table = self.theirs.embeddings.position_embeddings[0]
        codes: Tensor = (table[1:] + table[:1]).reshape(*grid.patches, -1)
        return codes

    def special_tokens(self, grid: RegionGrid) -> Tensor:  # noqa: ARG002
        """None."""
        weight: Tensor = self.theirs.embeddings.patch_embeddings.projection.weight
        return weight.new_zeros(0, len(weight))

    def run_block(self, index: int, tokens: Tensor, lists: Sequence[TokenList]) -> Tensor:  # noqa: ARG002
        """Their block."""
        experts = torch.full((len(tokens),), self.expert, device=tokens.device)
        result: Tensor = self.theirs.encoder.layer[index](tokens, experts)
        return result

    def as_maps(self, stages: list[Stage]) -> tuple[Tensor, ...]:
        """Normalised maps."""
        return tuple(self.theirs.layernorm(stage.patches).permute(0, 3, 1, 2).contiguous() for stage in stages)


class MixedVitPose(HeadedNetwork):
    """Runs a `VitPoseForPoseEstimation` at mixed resolution."""

    def __init__(self, theirs: Any, *, window_size: int = 1, downsampling_factor: int = 2) -> None:
        mixed = MixedVitPoseBackbone(theirs.backbone, window_size=window_size, downsampling_factor=downsampling_factor)
        super().__init__(theirs, mixed)

    def forward(self, given: Tensor | MixedImages) -> Tensor:
        """Their `heatmaps` `(B, keypoints, H / 4, W / 4)`."""
        heatmaps: Tensor = self.theirs.head(self.mixed(given).feature_maps[-1])
        return heatmaps
