"""Depth Anything, both versions: a DPT neck and head on DINOv2 (arXiv 2401.10891, 2406.09414)."""

from typing import Any

from torch import Tensor

from foveate.core import InputError
from foveate.models.families._base import HeadedNetwork, MixedImages
from foveate.models.families.dinov2 import MixedDinov2


class MixedDepthAnything(HeadedNetwork):
    """Runs a `DepthAnythingForDepthEstimation` at mixed resolution. A region is any `w * d` patches."""

    def __init__(self, theirs: Any, *, window_size: int = 1, downsampling_factor: int = 2) -> None:
        kind = theirs.backbone.config.model_type
        if kind not in ("dinov2", "dinov2_with_registers"):
            raise InputError(f"Depth Anything needs a backbone of type dinov2, got {kind}")
        mixed = MixedDinov2(theirs.backbone, window_size=window_size, downsampling_factor=downsampling_factor)
        super().__init__(theirs, mixed)

    def forward(self, given: Tensor | MixedImages) -> Tensor:
        """Their `predicted_depth` `(B, rows * p, columns * p)`."""
        maps = self.mixed(given).feature_maps
        rows, columns = self.region_grid(*given.shape[2:]).patches
        depth: Tensor = self.theirs.head(self.theirs.neck(maps, rows, columns), rows, columns)
        return depth
