"""A pass of the backbone on a CUDA device without gradients: tiles -> maps, replayed from a graph where it can be.

Whatever depends on masks lies in the tables of a `PassPlan`; the rest is the same for all batches of its shape.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from foveate.core import RegionGrid
from foveate.models.block import Block
from foveate.models.cuda_blocks import HEAD_DIM, FusedBlock, cut_maps, kernels, relative_tables, run_blocks, shifts_of
from foveate.models.cuda_graphs import Work
from foveate.models.cuda_keys import CELLS, PLAIN
from foveate.models.cuda_plan import PassPlan, PassShape, Tables, pass_plan
from foveate.models.cuda_tables import map_places
from foveate.models.layout import FrameLayout, frame_layout, upload
from foveate.models.pixels import beyond_frames

if TYPE_CHECKING:
    from foveate.models.backbone import Backbone, BackboneConfig


def runs_fused(backbone: "Backbone", tiles: Tensor, layouts: Sequence[FrameLayout]) -> bool:
    """Whether these tiles can take the fused path: half precision on CUDA, heads of 64, no gradients, Triton there."""
    if tiles.device.type != "cuda" or torch.is_grad_enabled() or torch.is_autocast_enabled("cuda"):
        return False
    config = backbone.config
    fits = tiles.dtype in (torch.bfloat16, torch.float16) and config.dim == HEAD_DIM * config.heads
    alike = config.relative_size is None or len({layout.grid for layout in layouts}) == 1
    return fits and alike and config.window_size <= 11 and kernels() is not None  # 121 of 128 rows


def run_fused(
    backbone: "Backbone", full: Tensor, low: Tensor, layouts: Sequence[FrameLayout], points: Sequence[int]
) -> list[Tensor]:
    """`Backbone.forward_tiles`, one map `(frames, C, rows, columns)` per run of frames of one size."""
    plan = plan_of(backbone, layouts, points, full.device)

    def prepare() -> tuple[Work, object]:
        fused = FusedPass.of(backbone, plan.shape)
        return fused.run, fused

    return backbone.graphs.run(plan.shape, prepare, (full, low, plan.packed), (backbone,))


def plan_of(
    backbone: "Backbone", layouts: Sequence[FrameLayout], points: Sequence[int], torch_device: torch.device
) -> PassPlan:
    """What is done with a batch, one restoration point for each frame."""
    launch = CELLS if backbone.config.relative_size else PLAIN
    return pass_plan(tuple(layouts), tuple(points), subset_ends(backbone.config), launch, torch_device)


def subset_ends(config: "BackboneConfig") -> tuple[int, ...]:
    """One past the last block of each subset."""
    per_subset = config.depth // config.subsets
    return tuple(range(per_subset, config.depth + 1, per_subset))


@dataclass(frozen=True, kw_only=True, eq=False)
class FusedPass:
    """All that a pass of a shape needs beside pixels and tables: it depends on weights and sizes of frames alone."""

    backbone: "Backbone"
    shape: PassShape
    blocks: tuple[FusedBlock, ...]
    shift: Tensor
    """What tokens want after the last block, `(C,)`."""
    beyond: tuple[Tensor, Tensor]
    """Pixels beyond the frame in tiles of each region, full and low: `(regions of distinct grids, 1, side, side)`."""
    positions: Tensor | None
    """Position codes of patches and of low tokens, as `embedding_tables` numbers them: `(n, C)`."""
    places: tuple[Tensor, ...]
    """For each run of frames of one size, the token of each patch."""

    @staticmethod
    def of(backbone: "Backbone", shape: PassShape) -> "FusedPass":
        """Parts that serve several shapes are kept where they are made."""
        grids, config = shape.distinct, backbone.config
        blocks = [block for block in backbone.blocks if isinstance(block, Block)]
        device = blocks[0].fc1.weight.device
        side = grids[0].region_pixels
        window = (config.window_size, config.window_size)
        tables = [
            relative_tables(one, grids[0].patches if one.is_global else window) if shape.launch.relative else None
            for one in blocks
        ]
        shifts = shifts_of(blocks)
        return FusedPass(
            backbone=backbone,
            shape=shape,
            blocks=tuple(itertools.starmap(FusedBlock, zip(blocks, tables, torch.split(shifts, 2), strict=False))),
            shift=shifts[-1],
            beyond=(
                beyond_frames(grids, "full_regions", side, device),
                beyond_frames(grids, "low_regions", side // config.downsampling_factor, device),
            ),
            positions=backbone.raster_codes(grids),
            places=tuple(_places_on(grid, device) for grid, _ in itertools.groupby(shape.grids)),
        )

    def run(self, full: Tensor, low: Tensor, packed: Tensor) -> list[Tensor]:
        """Normalised tiles, overwritten beyond the frame, and packed tables -> maps."""
        tables = self.shape.packing.unpack(packed)
        x = run_blocks(self.blocks, self.embed(full, low, tables), self.shape, tables)
        return cut_maps(x, self.shift, self.shape, self.places)

    def embed(self, full: Tensor, low: Tensor, tables: Tables) -> Tensor:
        """Position-coded real tokens `(n, C)`."""
        vectors = []
        for tiles, beyond, name in zip((full, low), self.beyond, ("full_regions", "low_regions"), strict=True):
            if len(tiles):
                tiles.masked_fill_(beyond.index_select(0, tables[name]), 0)
                vectors.append(self.backbone.embed(tiles).flatten(0, 2))
        x = torch.cat(vectors).index_select(0, tables["vectors"])
        return x if self.positions is None else x + self.positions.index_select(0, tables["positions"])


@lru_cache(maxsize=64)
def _places_on(grid: RegionGrid, torch_device: torch.device) -> Tensor:
    return upload(map_places(frame_layout(grid)).astype(np.int64), torch_device)
