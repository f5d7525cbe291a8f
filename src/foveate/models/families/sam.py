"""SAM's image encoder: ViTDet with windows 14 and relative positions, so it becomes foveate's own backbone.

Kirillov et al. 2023 (arXiv 2304.02643). Its tables fit one size only, 1024 x 1024 pixels in published weights.
"""

from typing import Any

from torch import Tensor, nn

from foveate.core import InputError, RegionGrid
from foveate.models.backbone import Backbone, BackboneConfig
from foveate.models.convert_huggingface import count_subsets
from foveate.models.families._base import MixedImages, MixedNetwork
from foveate.models.mixed_frames import check_points

_NAMES = {
    "patch_embed.projection.": "embed.projection.",
    "pos_embed": "positions",
    "layers.": "blocks.",
    ".layer_norm1.": ".norm1.",
    ".layer_norm2.": ".norm2.",
    ".attn.rel_pos_h": ".attention.relative_rows",
    ".attn.rel_pos_w": ".attention.relative_columns",
    ".attn.": ".attention.",
    ".mlp.lin1.": ".fc1.",
    ".mlp.lin2.": ".fc2.",
}
"""Parts of names: theirs to ours, applied in this order."""


class MixedSam(MixedNetwork):
    """Runs the image encoder of a `SamModel` at mixed resolution. A region is two windows of 14 patches wide."""

    def __init__(self, theirs: Any, *, window_size: int | None = None, downsampling_factor: int = 2) -> None:
        super().__init__()
        encoder = theirs.vision_encoder
        config = encoder.config
        if window_size not in (None, config.window_size):
            raise InputError(f"a low-resolution region must be one window, {config.window_size}, got {window_size}")
        self.side = int(config.image_size)
        self.mixed = Backbone(_backbone_config(config, downsampling_factor))
        self.mixed.load_state_dict({_our_name(k): v for k, v in encoder.state_dict().items() if "neck." not in k})
        self.neck = encoder.neck
        # The encoder's weights are in the backbone now.
        del encoder.layers, encoder.patch_embed
        self.theirs = theirs

    @property
    def mixed_backbone(self) -> nn.Module:
        """All but the neck."""
        return self.mixed

    @property
    def size_multiple(self) -> None:
        """None: one size only."""
        return

    @property
    def restoration_points(self) -> range:
        """0..N."""
        return range(self.mixed.config.subsets + 1)

    def region_grid(self, height: int, width: int) -> RegionGrid:
        """Decision regions; images must have the one size that the positions were trained for."""
        if (height, width) != (self.side, self.side):
            raise InputError(f"SAM takes images of {self.side} x {self.side} pixels, got {height} x {width}")
        return self.mixed.config.grid(height, width)

    def forward(self, given: Tensor | MixedImages) -> Tensor:
        """Image embeddings `(B, 256, rows, columns)`, as `SamModel.get_image_embeddings` returns them."""
        mixed = given if isinstance(given, MixedImages) else MixedImages(images=given)
        self.region_grid(*mixed.images.shape[2:])
        pixels = mixed.images.to(next(self.mixed.parameters()).dtype)
        if mixed.points is not None:
            check_points(mixed.points, len(pixels), self.restoration_points[-1])
        maps = self.mixed(pixels, mixed.masks, mixed.points)
        embeddings: Tensor = self.neck(maps.to(mixed.images.dtype).permute(0, 2, 3, 1))
        return embeddings


def _backbone_config(config: Any, factor: int) -> BackboneConfig:
    if config.hidden_act != "gelu" or not config.qkv_bias or config.layer_norm_eps != 1e-6:
        raise InputError("an image encoder of SAM has gelu, biases and an epsilon of 1e-6; this configuration differs")
    depth, side = config.num_hidden_layers, config.image_size // config.patch_size
    windowed = [i for i in range(depth) if i not in config.global_attn_indexes]
    return BackboneConfig(
        dim=config.hidden_size,
        depth=depth,
        heads=config.num_attention_heads,
        subsets=count_subsets(depth, windowed),
        patch_size=config.patch_size,
        window_size=config.window_size,
        downsampling_factor=factor,
        mlp_ratio=config.mlp_dim / config.hidden_size,
        positions="stretched" if config.use_abs_pos else "none",
        position_size=side,
        relative_size=(side, side) if config.use_rel_pos else None,
    )


def _our_name(key: str) -> str:
    for theirs, ours in _NAMES.items():
        key = key.replace(theirs, ours)
    return key
