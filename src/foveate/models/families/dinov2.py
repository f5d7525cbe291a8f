"""DINOv2, with and without registers: global attention in every block, a stretched table of positions.

Oquab et al. 2023 (arXiv 2304.07193), Darcet et al. 2023 (arXiv 2309.16588), as `transformers` runs them.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from foveate.core import InputError, RegionGrid
from foveate.models.families._base import MixedBackbone, even_points
from foveate.models.families.tokens import Stage, TokenList


class MixedDinov2(MixedBackbone):
    """Runs a `Dinov2Backbone` or `Dinov2WithRegistersBackbone` at mixed resolution. A region is any `w * d` patches."""

    def __init__(self, theirs: Any, *, window_size: int = 1, downsampling_factor: int = 2) -> None:
        super().__init__(window_size=window_size, downsampling_factor=downsampling_factor)
        self.theirs = theirs
        config = theirs.config
        self.patch_size = one_side(config.patch_size)
        self.specials = 1 + int(getattr(config, "num_register_tokens", 0))
        self.taps = tuple(theirs.stage_names.index(stage) for stage in theirs.out_features)
        self.depth = max(self.taps)
        self.restore_before = even_points(self.depth)

    def embed(self, tiles: Tensor) -> Tensor:
        """Their convolution on each tile."""
        patches: Tensor = self.theirs.embeddings.patch_embeddings.projection(tiles)
        return patches.permute(0, 2, 3, 1)

    def position_codes(self, grid: RegionGrid) -> Tensor:
        """Their table, stretched as they do."""
        rows, columns = grid.patches
        return self._table(grid)[0, 1:].reshape(rows, columns, -1)

    def special_tokens(self, grid: RegionGrid) -> Tensor:
        """The class token with its position, then registers without."""
        embeddings = self.theirs.embeddings
        first = embeddings.cls_token[0] + self._table(grid)[0, :1]
        registers = getattr(embeddings, "register_tokens", None)
        return first if registers is None else torch.cat([first, registers[0]])

    def _table(self, grid: RegionGrid) -> Tensor:
        """`(1, 1 + patches, C)`; their function reads the number of tokens from what it is given."""
        embeddings, (rows, columns) = self.theirs.embeddings, grid.patches
        stand_in = embeddings.cls_token.expand(1, 1 + rows * columns, -1)
        return self.keep(
            grid,
            embeddings.position_embeddings,
            lambda: embeddings.interpolate_pos_encoding(stand_in, grid.height, grid.width),
        )

    def run_block(self, index: int, tokens: Tensor, lists: Sequence[TokenList]) -> Tensor:  # noqa: ARG002
        """Their block; it does not care how many tokens there are."""
        result: Tensor = self.theirs.encoder.layer[index](tokens)
        return result

    def as_maps(self, stages: list[Stage]) -> tuple[Tensor, ...]:
        """Maps in the form that the configuration asks for: normalised or not, `(B, C, h, w)` or `(B, tokens, C)`."""
        config, result = self.theirs.config, []
        for stage in stages:
            whole = stage.patches
            if not config.reshape_hidden_states:
                whole = torch.cat([stage.specials[:, 0], whole.flatten(1, 2)], dim=1)
            normed = self.theirs.layernorm(whole) if config.apply_layernorm else whole
            result.append(normed.permute(0, 3, 1, 2).contiguous() if config.reshape_hidden_states else normed)
        return tuple(result)


def one_side(size: int | Sequence[int]) -> int:
    """The side of a square that a configuration gives as one number or two equal ones; else `InputError`."""
    sides = {size} if isinstance(size, int) else {int(side) for side in size}
    if len(sides) != 1:
        raise InputError(f"patches must be square, got {size}")
    return sides.pop()
