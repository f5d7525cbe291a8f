"""RF-DETR: DINOv2 whose window blocks see one of `n x n` equal parts of the frame, each with a class token.

Robinson et al. 2025 (arXiv 2511.09554), as `transformers` runs it.
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from foveate.core import InputError, RegionGrid
from foveate.models.families._base import HeadedNetwork, MixedImages
from foveate.models.families.dinov2 import MixedDinov2
from foveate.models.families.lw_detr import global_blocks
from foveate.models.families.part_attention import run_in_parts, use_part_attention
from foveate.models.families.tokens import TokenList


class MixedRfDetrBackbone(MixedDinov2):
    """Runs an `RfDetrDinov2Backbone` at mixed resolution, restoring before one of its global blocks.

    Takes the backbone over: its blocks no longer gather windows themselves.
    """

    def __init__(self, theirs: Any, *, window_size: int = 1, downsampling_factor: int = 2) -> None:
        super().__init__(theirs, window_size=window_size, downsampling_factor=downsampling_factor)
        self.parts_per_side = theirs.config.num_windows
        layers = theirs.encoder.layer
        self.restore_before = global_blocks([not layer.global_attention for layer in layers][: self.depth])
        for layer in layers:
            layer.num_windows = 1  # frames come whole, not as a batch of windows to be joined
        use_part_attention(theirs)

    @property
    def size_multiple(self) -> int | None:
        """As every family; with windows, square images only, so None."""
        return None if self.parts_per_side > 1 else super().size_multiple

    def region_grid(self, height: int, width: int) -> RegionGrid:
        """As every family; images must be square, as the model was trained."""
        if self.parts_per_side > 1 and height != width:
            raise InputError(
                f"RF-DETR takes square images (it cuts others into mixed-up windows), got {height} x {width}"
            )
        return super().region_grid(height, width)

    def run_block(self, index: int, tokens: Tensor, lists: Sequence[TokenList]) -> Tensor:
        """Their block on frames of equal lengths."""
        return self.run_frames(index, tokens.flatten(0, 1), list(lists)).view_as(tokens)

    def run_frames(self, index: int, tokens: Tensor, lists: list[TokenList]) -> Tensor:
        """Their block on all tokens at once; attention inside windows or frames."""
        layer = self.theirs.encoder.layer[index]
        return run_in_parts(layer, tokens, lists, windowed=not layer.global_attention)


class MixedRfDetr(HeadedNetwork):
    """Runs an `RfDetrForObjectDetection` at mixed resolution; takes it over."""

    def __init__(self, theirs: Any, *, window_size: int = 1, downsampling_factor: int = 2) -> None:
        encoder = theirs.model.backbone
        mixed = MixedRfDetrBackbone(encoder.backbone, window_size=window_size, downsampling_factor=downsampling_factor)
        super().__init__(theirs, mixed)
        encoder.backbone = mixed

    def forward(self, given: Tensor | MixedImages) -> Any:
        """Their output: `logits` and `pred_boxes`."""
        self.region_grid(*given.shape[2:])
        return self.theirs(given)
