"""DINOv3: global attention in every block, rotary positions from the centres of patches (arXiv 2508.10104).

A coarse token is rotated by the centre of the patches it covers: a fraction of a patch, which costs nothing here.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from foveate.core import RegionGrid
from foveate.models.families._base import MixedBackbone, even_points
from foveate.models.families.dinov2 import one_side
from foveate.models.families.tokens import Stage, TokenList


class MixedDinov3(MixedBackbone):
    """Runs a `DINOv3ViTBackbone` at mixed resolution. A region is any `w * d` patches."""

    def __init__(self, theirs: Any, *, window_size: int = 1, downsampling_factor: int = 2) -> None:
        super().__init__(window_size=window_size, downsampling_factor=downsampling_factor)
        self.theirs = theirs
        config = theirs.config
        self.patch_size = one_side(config.patch_size)
        self.specials = 1 + config.num_register_tokens
        self.taps = tuple(theirs.stage_names.index(stage) for stage in theirs.out_features)
        self.depth = max(self.taps)
        self.restore_before = even_points(self.depth)
        self._frequency = theirs.rope_embeddings.inv_freq.clone()  # no buffer: stays float32 whatever the blocks run in

    def embed(self, tiles: Tensor) -> Tensor:
        """Their convolution on each tile."""
        patches: Tensor = self.theirs.embeddings.patch_embeddings(tiles)
        return patches.permute(0, 2, 3, 1)

    def position_codes(self, grid: RegionGrid) -> None:  # noqa: ARG002
        """None: positions turn queries and keys in each block."""
        return

    def special_tokens(self, grid: RegionGrid) -> Tensor:  # noqa: ARG002
        """Class token and registers."""
        embeddings = self.theirs.embeddings
        return torch.cat([embeddings.cls_token[0], embeddings.register_tokens[0]])

    def run_block(self, index: int, tokens: Tensor, lists: Sequence[TokenList]) -> Tensor:
        """Their block, given the rotations of the tokens at hand."""
        turns = [self.rotations(order) for order in lists]
        cosine, sine = (torch.stack(part)[:, None].to(tokens) for part in zip(*turns, strict=True))
        result: Tensor = self.theirs.model.layer[index](tokens, position_embeddings=(cosine, sine))
        return result

    def rotations(self, order: TokenList) -> tuple[Tensor, Tensor]:
        """Cosine and sine `(n, head_dim)` of a list's patch tokens, by their centres in -1..1 of the frame."""
        share = torch.from_numpy(order.centres / order.layout.grid.patches).float()
        angles = 2 * math.pi * (2 * share - 1)[:, :, None] * self._frequency
        angles = angles.flatten(1).tile(2)
        return angles.cos(), angles.sin()

    def as_maps(self, stages: list[Stage]) -> tuple[Tensor, ...]:
        """Maps in the form that the configuration asks for; the last block's are always normalised."""
        config, result = self.theirs.config, []
        for tap, stage in zip(self.taps, stages, strict=True):
            patches = stage.patches
            if tap == config.num_hidden_layers or config.apply_layernorm:
                patches = self.theirs.norm(patches)
            result.append(patches.permute(0, 3, 1, 2) if config.reshape_hidden_states else patches.flatten(1, 2))
        return tuple(result)
