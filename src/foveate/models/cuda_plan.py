"""What the CUDA path does with a batch: its shape, and its tables in one tensor.

The shape says which kernels run, on how much; tables say where. A batch of the same shape runs the same kernels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from foveate.core import RegionGrid
from foveate.models.cuda_keys import FrameLaunch
from foveate.models.cuda_packing import Packing, pack
from foveate.models.cuda_restore import restoration_tables
from foveate.models.cuda_tables import Arrays, embedding_tables, stage_tables
from foveate.models.layout import FrameLayout, frame_layout

Tables = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class StageShape:
    """Consecutive blocks over the same tokens."""

    blocks: range
    restored: bool
    """Whether some frames are restored before them."""
    spans: int
    """The most patches that a token covers along an axis."""


@dataclass(frozen=True, kw_only=True)
class PassShape:
    """What the backbone does with a batch, whatever its masks."""

    grids: tuple[RegionGrid, ...]
    """Of each frame."""
    stages: tuple[StageShape, ...]
    """The last one may have no blocks."""
    launch: FrameLaunch
    packing: Packing

    def stage(self, tables: Tables, number: int) -> Tables:
        """The tables of a stage by their own names."""
        prefix = f"{number}."
        return {name.removeprefix(prefix): table for name, table in tables.items() if name.startswith(prefix)}

    @property
    def distinct(self) -> tuple[RegionGrid, ...]:
        """The grids, each once."""
        return tuple(dict.fromkeys(self.grids))


@dataclass(frozen=True, kw_only=True, eq=False)
class PassPlan:
    """A batch: what is done, and the tables for it."""

    shape: PassShape
    packed: Tensor


@lru_cache(maxsize=64)
def pass_plan(
    layouts: tuple[FrameLayout, ...],
    points: tuple[int, ...],
    ends: tuple[int, ...],
    launch: FrameLaunch,
    torch_device: torch.device,
) -> PassPlan:
    """The plan of a batch, kept while the same frames come again. `ends`: one past the last block of each subset."""
    stages, values = _stages(layouts, points, ends, launch)
    packing, packed = pack(embedding_tables(layouts) | values, torch_device)
    grids = tuple(layout.grid for layout in layouts)
    return PassPlan(shape=PassShape(grids=grids, stages=stages, launch=launch, packing=packing), packed=packed)


def _stages(
    layouts: Sequence[FrameLayout], points: Sequence[int], ends: Sequence[int], launch: FrameLaunch
) -> tuple[tuple[StageShape, ...], Arrays]:
    """Blocks between restorations; restoration point k lies before the last block of subset k, N + 1 after all."""
    values: Arrays = {}
    stages: list[StageShape] = []

    def add(blocks: range, frames: Sequence[FrameLayout], due: Sequence[bool]) -> None:
        found = restoration_tables(before, due) if any(due) else {}
        if len(blocks):
            found |= stage_tables(tuple(frames), launch)
        values.update({f"{len(stages)}.{name}": table for name, table in found.items()})
        spans = max(int(layout.scale.max()) for layout in frames)
        stages.append(StageShape(blocks=blocks, restored=any(due), spans=spans))

    first, none = 0, [False] * len(layouts)
    before, frames, due = list(layouts), list(layouts), none
    for subset, last in enumerate([*(end - 1 for end in ends), ends[-1]], start=1):
        now = [point == subset and len(layout.low_regions) > 0 for point, layout in zip(points, frames, strict=True)]
        if not any(now):
            continue
        if last > first:
            add(range(first, last), frames, due)
            before, due = frames, none
        due = [a or b for a, b in zip(due, now, strict=True)]
        frames = [frame_layout(layout.grid) if n else layout for layout, n in zip(frames, now, strict=True)]
        first = last
    add(range(first, ends[-1]), frames, due)
    return tuple(stages), values
