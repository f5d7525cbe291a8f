"""A model of another attention window as one of window w, to be trained further.

What depends on the window are tables: absolute positions become one table per region of w * d patches, relative tables
of window blocks are fitted to w. Everything else is copied. The result is a start, not a finished model.
"""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from foveate.core import InputError
from foveate.models.backbone import BackboneConfig
from foveate.models.block import Block
from foveate.models.detector import Detector
from foveate.models.positions import fit_table

_RELATIVE = ("relative_rows", "relative_columns")


@torch.no_grad()
def with_window(detector: Detector, window_size: int) -> Detector:
    """A new detector of `window_size` with the weights of `detector`, float32.

    A table of positions that was stretched over the frame is stretched over one region instead, and repeated: a crop of
    one region keeps the very codes that it had. Relative tables of window blocks are stretched or cut, as the model's
    `window_table` says; those of global blocks stay. Raises `InputError` for a window below 1 or a table that cannot
    be cut.
    """
    if window_size < 1:
        raise InputError(f"a window must be at least 1 token wide, got {window_size}")
    old = detector.config.backbone
    made = Detector(replace(detector.config, backbone=_config(old, window_size)), name=detector.name)
    weights = {name: value.float() for name, value in detector.state_dict().items()}
    if detector.backbone.positions is not None:
        weights["backbone.positions"] = _tiled(weights["backbone.positions"], window_size * old.downsampling_factor)
    for number, block in enumerate(made.backbone.blocks):
        assert isinstance(block, Block)
        if old.relative_size and not block.is_global:
            for name in (f"backbone.blocks.{number}.attention.{table}" for table in _RELATIVE):
                weights[name] = fit_table(weights[name], window_size, how=old.window_table)
    made.load_state_dict(weights)
    return made


def _config(old: BackboneConfig, window_size: int) -> BackboneConfig:
    made = replace(old, window_size=window_size, window_table_size=None)
    return made if old.positions == "none" else replace(made, positions="tiled")


def _tiled(table: Tensor, side: int) -> Tensor:
    """`(1, size, size, C)` stretched to `(1, side, side, C)`, as `stretched_positions` does."""
    if table.shape[1] == side:
        return table
    image = F.interpolate(table.permute(0, 3, 1, 2), size=(side, side), mode="bicubic", align_corners=False)
    return image.permute(0, 2, 3, 1)
