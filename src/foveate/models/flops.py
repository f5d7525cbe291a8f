"""Floating-point operations of a backbone on one frame, attention included; a multiply-add counts as two.

Only real tokens count, not regions: padding is no work that a better program would have to do.
"""

from dataclasses import dataclass, fields
from itertools import pairwise

from foveate.core import Mask, RegionGrid
from foveate.models.backbone import BackboneConfig
from foveate.models.layout import FrameLayout, frame_layout
from foveate.models.mixed_frames import check_points


@dataclass(frozen=True, kw_only=True)
class Operations:
    """Where the operations of a frame lie: kinds of work that a machine does at different rates."""

    embedding: float = 0.0
    """Pixels to tokens."""
    linear: float = 0.0
    """Projections and MLPs of all blocks."""
    window_attention: float = 0.0
    """Products of queries, keys and values in window blocks."""
    global_attention: float = 0.0
    """The same in global blocks."""

    @property
    def total(self) -> float:
        """Their sum."""
        return float(sum(getattr(self, kind.name) for kind in fields(self)))

    def __add__(self, other: "Operations") -> "Operations":
        """Kind by kind."""
        return Operations(**{kind.name: getattr(self, kind.name) + getattr(other, kind.name) for kind in fields(self)})


def backbone_flops(
    config: BackboneConfig, grid: RegionGrid, mask: Mask | None = None, restoration_point: int = 0
) -> float:
    """Operations for a frame of this grid; a mask with restoration point 0 costs as much as the full frame.

    Point N + 1 restores after the last block. Raises `InputError` on other points and on masks of another grid.
    """
    return backbone_operations(config, grid, mask, restoration_point).total


def backbone_operations(
    config: BackboneConfig, grid: RegionGrid, mask: Mask | None = None, restoration_point: int = 0
) -> Operations:
    """`backbone_flops` by kind."""
    check_points([restoration_point], 1, config.subsets + 1)
    full = frame_layout(grid)
    mixed = full if restoration_point == 0 else frame_layout(grid, mask)
    per_subset = config.depth // config.subsets
    total = Operations(embedding=_embedding(config, mixed))
    for index in range(config.depth):
        subset, place = divmod(index, per_subset)
        is_global = place == per_subset - 1
        restored = subset + 1 > restoration_point or (subset + 1 == restoration_point and is_global)
        total += _block(config, full if restored else mixed, is_global=is_global)
    return total


def _block(config: BackboneConfig, layout: FrameLayout, *, is_global: bool) -> Operations:
    tokens, dim = int(layout.real.sum()), config.dim
    linear = 2.0 * tokens * (4 * dim * dim + 2 * dim * int(dim * config.mlp_ratio))
    if is_global:
        return Operations(linear=linear, global_attention=4.0 * tokens * tokens * dim)
    return Operations(linear=linear, window_attention=4.0 * tokens * config.window_size**2 * dim)


def _embedding(config: BackboneConfig, layout: FrameLayout) -> float:
    """Operations that turn pixels into tokens."""
    tokens, dim, patch = int(layout.real.sum()), config.dim, config.patch_size
    if config.stem == "linear":
        return 2.0 * tokens * 3 * patch * patch * dim
    halvings = patch.bit_length() - 1
    widths = [3, *(dim >> (halvings - 1 - i) for i in range(halvings))]
    convolutions = sum(9 * a * b * (patch >> (i + 1)) ** 2 for i, (a, b) in enumerate(pairwise(widths)))
    return 2.0 * tokens * (convolutions + dim * dim)
