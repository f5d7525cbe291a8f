"""YOLOS: a plain ViT that answers with detection tokens (arXiv 2106.00666).

Global attention in every block; a learned table of positions is added again after each block but the last.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from foveate.core import RegionGrid
from foveate.models.families._base import HeadedNetwork, MixedBackbone, MixedImages, even_points
from foveate.models.families.dinov2 import one_side
from foveate.models.families.tokens import Stage, TokenList, mean_codes
from foveate.models.positions import stretched_positions


class MixedYolosBackbone(MixedBackbone):
    """Runs a `YolosModel` at mixed resolution. A region is any `w * d` patches.

    Special tokens are the class token and the detection tokens, in this order.
    """

    def __init__(self, theirs: Any, *, window_size: int = 1, downsampling_factor: int = 2) -> None:
        super().__init__(window_size=window_size, downsampling_factor=downsampling_factor)
        self.theirs = theirs
        config = theirs.config
        self.patch_size, self.depth = one_side(config.patch_size), config.num_hidden_layers
        self.specials, self.taps = 1 + config.num_detection_tokens, (self.depth,)
        self.restore_before = even_points(self.depth)

    def embed(self, tiles: Tensor) -> Tensor:
        """Their convolution on each tile."""
        patches: Tensor = self.theirs.embeddings.patch_embeddings.projection(tiles)
        return patches.permute(0, 2, 3, 1)

    def position_codes(self, grid: RegionGrid) -> Tensor:
        """Their first table, stretched as they do."""
        return self._patch_codes(self.theirs.embeddings.position_embeddings, grid)

    def carried_codes(self, index: int, grid: RegionGrid) -> Tensor:
        """The first table and those added after the blocks before `index`."""
        mid = self.theirs.encoder.interpolation
        added = [] if mid is None else list(mid.mid_position_embeddings[: min(index, self.depth - 1)])
        return self.position_codes(grid) + sum(self._patch_codes(table, grid) for table in added)

    def special_tokens(self, grid: RegionGrid) -> Tensor:  # noqa: ARG002
        """Class and detection tokens with their positions."""
        embeddings = self.theirs.embeddings
        tokens = torch.cat([embeddings.cls_token[0], embeddings.detection_tokens[0]])
        return tokens + self._special_codes(embeddings.position_embeddings)

    def run_block(self, index: int, tokens: Tensor, lists: Sequence[TokenList]) -> Tensor:
        """Their block, then the positions that they add after it."""
        encoder = self.theirs.encoder
        result: Tensor = encoder.layer[index](tokens)
        if encoder.interpolation is None or index == self.depth - 1:
            return result
        table = encoder.interpolation.mid_position_embeddings[index]
        codes, special = self._patch_codes(table, lists[0].layout.grid), self._special_codes(table)
        return result + torch.stack([torch.cat([special, mean_codes(codes, order)]) for order in lists])

    def as_maps(self, stages: list[Stage]) -> tuple[Tensor, ...]:
        """Normalised maps."""
        return tuple(self.theirs.layernorm(stage.patches).permute(0, 3, 1, 2) for stage in stages)

    def _special_codes(self, table: Tensor) -> Tensor:
        return torch.cat([table[0, :1], table[0, 1 - self.specials :]])

    def _patch_codes(self, table: Tensor, grid: RegionGrid) -> Tensor:
        rows, columns = (side // self.patch_size for side in self.theirs.config.image_size)
        whole = table[:, 1 : 1 - self.specials].reshape(1, rows, columns, -1)
        return self.keep(grid, table, lambda: stretched_positions(whole, grid))


class YolosOutput(NamedTuple):
    """What a `YolosForObjectDetection` answers."""

    logits: Tensor
    """`(B, detection tokens, classes + 1)`; the last class is "no object"."""
    pred_boxes: Tensor
    """`(B, detection tokens, 4)`: centre, width, height as shares of the image."""


class MixedYolos(HeadedNetwork):
    """Runs a `YolosForObjectDetection` at mixed resolution."""

    mixed: MixedYolosBackbone

    def __init__(self, theirs: Any, *, window_size: int = 1, downsampling_factor: int = 2) -> None:
        mixed = MixedYolosBackbone(theirs.vit, window_size=window_size, downsampling_factor=downsampling_factor)
        super().__init__(theirs, mixed)

    def forward(self, given: Tensor | MixedImages) -> YolosOutput:
        """Their output: `logits` and `pred_boxes`."""
        tokens = self.mixed.stages(given)[-1].specials[:, 0, 1:]
        found = self.theirs.vit.layernorm(tokens).to(given.dtype)
        return YolosOutput(
            logits=self.theirs.class_labels_classifier(found),
            pred_boxes=self.theirs.bbox_predictor(found).sigmoid(),
        )
