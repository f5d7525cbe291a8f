"""Floating-point operations of a backbone on one frame, attention included; a multiply-add counts as two.

Only real tokens count, not regions: padding is no work that a better program would have to do.
"""

from itertools import pairwise

from foveate.core import Mask, RegionGrid
from foveate.models.backbone import BackboneConfig
from foveate.models.layout import FrameLayout, frame_layout


def backbone_flops(
    config: BackboneConfig, grid: RegionGrid, mask: Mask | None = None, restoration_point: int = 0
) -> float:
    """Operations for a frame of this grid; a mask with restoration point 0 costs as much as the full frame."""
    full = frame_layout(grid)
    mixed = full if restoration_point == 0 else frame_layout(grid, mask)
    per_subset = config.depth // config.subsets
    total = _embedding(config, mixed)
    for index in range(config.depth):
        subset, place = divmod(index, per_subset)
        is_global = place == per_subset - 1
        restored = subset + 1 > restoration_point or (subset + 1 == restoration_point and is_global)
        total += _block(config, full if restored else mixed, is_global=is_global)
    return total


def _block(config: BackboneConfig, layout: FrameLayout, *, is_global: bool) -> float:
    tokens, dim = int(layout.real.sum()), config.dim
    seen = tokens if is_global else config.window_size**2
    linear = 4 * dim * dim + 2 * dim * int(dim * config.mlp_ratio)
    return 2.0 * tokens * (linear + 2 * seen * dim)


def _embedding(config: BackboneConfig, layout: FrameLayout) -> float:
    """Operations that turn pixels into tokens."""
    tokens, dim, patch = int(layout.real.sum()), config.dim, config.patch_size
    if config.stem == "linear":
        return 2.0 * tokens * 3 * patch * patch * dim
    halvings = patch.bit_length() - 1
    widths = [3, *(dim >> (halvings - 1 - i) for i in range(halvings))]
    convolutions = sum(9 * a * b * (patch >> (i + 1)) ** 2 for i, (a, b) in enumerate(pairwise(widths)))
    return 2.0 * tokens * (convolutions + dim * dim)
