"""Masks to measure with: a given number of downsampled regions, spread by a seed."""

import numpy as np

from foveate.core import Mask, RegionGrid


def steps(regions: int, count: int) -> tuple[int, ...]:
    """`count` numbers of downsampled regions from 0 to all, evenly."""
    return tuple(sorted({round(k) for k in np.linspace(0, regions, max(count, 2))}))


def mask_with(grid: RegionGrid, downsampled: int, *, seed: int) -> Mask:
    """A mask with `downsampled` regions, drawn by `seed`."""
    order = np.random.default_rng([seed, downsampled]).permutation(len(grid))
    return (order < downsampled).reshape(grid.shape)
