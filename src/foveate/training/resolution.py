"""Random resolutions: training sees the mixed frames that policies will choose (ViTMAlis, section III)."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foveate.core import InputError


@dataclass(frozen=True, kw_only=True)
class ResolutionConfig:
    """How often and how much is downsampled. Raises `InputError` for shares outside 0..1."""

    step_share: float = 0.5
    """Steps in which something is downsampled."""
    lone_share: float = 0.3
    """In those steps, crops of a single region that are downsampled wholly."""
    empty_share: float = 0.5
    """In those steps of larger crops, how often regions without an object are downsampled before the others, as
    policies do; else the order is random."""

    def __post_init__(self) -> None:
        for name in ("step_share", "lone_share", "empty_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} must lie in 0..1, got {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Resolution:
    """Masks and restoration points of one batch."""

    masks: Tensor | None
    """Bool `(B, regions_h, regions_w)`, True = low resolution; None = full resolution everywhere."""
    restoration_points: list[int]
    """One per image."""


def draw_resolution(
    config: ResolutionConfig,
    count: int,
    regions: tuple[int, int],
    latest_point: int,
    rng: np.random.Generator,
    *,
    occupied: NDArray[np.bool_] | None = None,
    alike: int = 1,
) -> Resolution:
    """Masks for `count` images of `regions` (rows, columns); points lie in 0..`latest_point`.

    `occupied`: `(count, rows, columns)`, regions that hold an object; None = nobody knows. `alike`: neighbours that get
    the mask of the first of them, which an accelerator computes together.
    All images of a step have one restoration point and (beyond one region) equally many low regions, and images of
    single regions are sorted by resolution: the backbone computes neighbours of equal shape together.
    """
    if rng.random() >= config.step_share:
        return Resolution(masks=None, restoration_points=[0] * count)
    area = regions[0] * regions[1]
    if area == 1:
        masks = np.sort(rng.random((count, 1)) < config.lone_share, axis=0)
    else:
        lows, order = rng.integers(1, area + 1), rng.random((count, area))
        if occupied is not None and rng.random() < config.empty_share:
            order += occupied.reshape(count, area)
        order = np.repeat(order[::alike], alike, axis=0)[:count]
        masks = order.argsort(axis=1).argsort(axis=1) < lows
    point = int(rng.integers(latest_point + 1))
    return Resolution(masks=torch.from_numpy(masks.reshape(count, *regions)), restoration_points=[point] * count)
