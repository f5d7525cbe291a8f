"""A batch as tensors."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foveate.core import RegionGrid
from foveate.training.sample import Batch


@dataclass(frozen=True, kw_only=True, eq=False)
class Targets:
    """What the predictions of B images should be; see `Batch` for the padding."""

    boxes: Tensor
    """float32 `(B, M, 4)` xyxy."""
    labels: Tensor
    """int64 `(B, M)`, -1 = padding."""
    ignored_boxes: Tensor
    """float32 `(B, N, 4)` xyxy."""
    ignored_labels: Tensor
    """int64 `(B, N)`, -1 = padding."""

    def __getitem__(self, rows: slice) -> "Targets":
        """The targets of some images."""
        return Targets(
            boxes=self.boxes[rows],
            labels=self.labels[rows],
            ignored_boxes=self.ignored_boxes[rows],
            ignored_labels=self.ignored_labels[rows],
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class TensorBatch:
    """What one step is computed from."""

    images: Tensor
    """uint8 `(B, 3, H, W)`, channels last in memory."""
    targets: Targets
    occupied: NDArray[np.bool_]
    """`(B, regions_h, regions_w)`: decision regions that hold an object, or a part of one."""


def to_tensors(batch: Batch, torch_device: torch.device) -> tuple[Tensor, Targets]:
    """Images uint8 `(B, 3, H, W)`, channels last in memory, and their targets."""
    images = torch.from_numpy(batch.images).to(torch_device).permute(0, 3, 1, 2)
    targets = Targets(
        boxes=torch.from_numpy(batch.boxes).to(torch_device),
        labels=torch.from_numpy(batch.labels).to(torch_device),
        ignored_boxes=torch.from_numpy(batch.ignored_boxes).to(torch_device),
        ignored_labels=torch.from_numpy(batch.ignored_labels).to(torch_device),
    )
    return images, targets


def occupied_regions(targets: Targets, grid: RegionGrid) -> Tensor:
    """Bool `(B, regions_h, regions_w)`: regions that hold an object, or a part of one."""
    begins = [torch.arange(n, device=targets.boxes.device) * grid.region_pixels for n in grid.shape]
    x1, y1, x2, y2 = targets.boxes[..., None].unbind(2)
    there = targets.labels[..., None] >= 0
    down = (y1 < begins[0] + grid.region_pixels) & (y2 > begins[0]) & there
    across = (x1 < begins[1] + grid.region_pixels) & (x2 > begins[1])
    return torch.einsum("bmr,bmc->brc", down.float(), across.float()) > 0
