"""Frames of mixed resolution through the plain ViT, as one batch of tokens."""

from collections.abc import Callable, Mapping

import numpy as np
from torch import Tensor

from foveate.core import MixedFrame, join_regions, split_regions
from foveate.models.backbone import Backbone
from foveate.models.block import ScoreReader
from foveate.models.layout import frame_layout


def feature_maps(
    backbone: Backbone,
    frames: list[MixedFrame],
    points: list[int],
    normalised_tiles: Callable[[list[np.ndarray]], Tensor],
    readers: Mapping[int, ScoreReader] | None = None,
) -> list[Tensor]:
    """Map `(1, C, rows, columns)` of the last block for each frame, all frames in one batch of tokens.

    `readers`: by subset 1..N, who is shown the attention of its global block.
    """
    early = [_restored(frame) if point == 0 else frame for frame, point in zip(frames, points, strict=True)]
    layouts = [frame_layout(frame.grid, frame.mask) for frame in early]
    full = normalised_tiles([frame.full for frame in early])
    low = normalised_tiles([frame.low for frame in early])
    return backbone.forward_tiles(full, low, layouts, points, readers)


def _restored(frame: MixedFrame) -> MixedFrame:
    """Restoration point 0: the pixels of low regions are enlarged before the backbone."""
    return split_regions(join_regions(frame), frame.grid) if len(frame.low) else frame
