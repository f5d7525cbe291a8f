"""LW-DETR: a ViT whose window blocks see one of `n x n` equal parts of the frame (arXiv 2406.03459).

Its windows grow with the frame: 4 x 4 of them, each 10 patches wide at the published 640 x 640 pixels. Attention inside
a window does not care how many tokens it has, so any region that does not lie across two windows may be coarse.
Maps of several blocks reach the projector; those of blocks before the restoration are spread over their patches.
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from foveate.core import RegionGrid
from foveate.models.families._base import HeadedNetwork, MixedBackbone, MixedImages, even_points
from foveate.models.families.dinov2 import one_side
from foveate.models.families.part_attention import run_in_parts, use_part_attention
from foveate.models.families.tokens import TokenList


class MixedLwDetrBackbone(MixedBackbone):
    """Runs an `LwDetrViTBackbone` at mixed resolution, restoring before one of its global blocks.

    Takes the backbone over: its blocks no longer gather windows themselves.
    """

    def __init__(self, theirs: Any, *, window_size: int = 1, downsampling_factor: int = 2) -> None:
        super().__init__(window_size=window_size, downsampling_factor=downsampling_factor)
        self.theirs = theirs
        config = theirs.config
        self.patch_size, self.parts_per_side = one_side(config.patch_size), config.num_windows_side
        self.taps = tuple(theirs.stage_names.index(stage) for stage in theirs.out_features)
        self.depth = max(self.taps)
        self.restore_before = global_blocks([layer.window for layer in theirs.encoder.layer][: self.depth])
        for layer in theirs.encoder.layer:
            layer.num_windows = 1  # frames come whole, not as a batch of windows to be joined
        use_part_attention(theirs)

    def embed(self, tiles: Tensor) -> Tensor:
        """Their convolution on each tile."""
        patches: Tensor = self.theirs.embeddings.projection(tiles)
        return patches.permute(0, 2, 3, 1)

    def position_codes(self, grid: RegionGrid) -> Tensor | None:
        """Their table, stretched as they do."""
        embeddings, table = self.theirs.embeddings, self.theirs.embeddings.position_embeddings
        if table is None:
            return None
        return self.keep(grid, table, lambda: embeddings.get_absolute_positions(table, True, *grid.patches)[0])  # noqa: FBT003

    def special_tokens(self, grid: RegionGrid) -> Tensor:  # noqa: ARG002
        """None."""
        weight: Tensor = self.theirs.embeddings.projection.weight
        return weight.new_zeros(0, len(weight))

    def run_block(self, index: int, tokens: Tensor, lists: Sequence[TokenList]) -> Tensor:
        """Their block on frames of equal lengths."""
        return self.run_frames(index, tokens.flatten(0, 1), list(lists)).view_as(tokens)

    def run_frames(self, index: int, tokens: Tensor, lists: list[TokenList]) -> Tensor:
        """Their block on all tokens at once; attention inside windows or frames."""
        layer = self.theirs.encoder.layer[index]
        return run_in_parts(layer, tokens, lists, windowed=layer.window)


class MixedLwDetr(HeadedNetwork):
    """Runs an `LwDetrForObjectDetection` at mixed resolution; takes it over."""

    def __init__(self, theirs: Any, *, window_size: int = 1, downsampling_factor: int = 2) -> None:
        encoder = theirs.model.backbone
        mixed = MixedLwDetrBackbone(encoder.backbone, window_size=window_size, downsampling_factor=downsampling_factor)
        super().__init__(theirs, mixed)
        encoder.backbone = mixed

    def forward(self, given: Tensor | MixedImages) -> Any:
        """Their output: `logits` and `pred_boxes`."""
        self.region_grid(*given.shape[2:])
        return self.theirs(given)


def global_blocks(windowed: Sequence[bool]) -> tuple[int, ...]:
    """Numbers of the blocks that attend over whole frames, before which tokens may be restored.

    Where all blocks are alike, some of them at equal distances.
    """
    found = tuple(index for index, is_windowed in enumerate(windowed) if not is_windowed)
    return found if 0 < len(found) < len(windowed) else even_points(len(windowed))
