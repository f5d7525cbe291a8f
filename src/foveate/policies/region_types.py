"""Region types by motion and task relevance, and the masks that follow (ViTMAlis, section IV-C)."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from foveate.core import FrameContent, InputError, Mask

RegionTypes = NDArray[np.int8]
"""One `RegionType` per region: int8 `(regions_h, regions_w)`."""

DELTA_M, DELTA_RHO = 0.001, 0.0
"""Thresholds of motion and relevance (section VI-A)."""


class RegionType(IntEnum):
    """phi_j: why a region changes, or does not."""

    SBR = 0
    """Static background."""
    CMR = 1
    """Moves because the camera does."""
    DOR = 2
    """Holds objects that may move by themselves."""


def region_types(
    content: FrameContent, *, delta_m: float = DELTA_M, delta_rho: float = DELTA_RHO, relevance_first: bool = False
) -> RegionTypes:
    """The type of each region.

    The paper's rule asks for motion first: below `delta_m` a region is an SBR even if an object lies in it. With
    `relevance_first` relevance above `delta_rho` makes a DOR whatever the motion.
    """
    moves, matters = content.region_motion >= delta_m, content.task_relevance > delta_rho
    types = np.where(moves, RegionType.CMR, RegionType.SBR).astype(np.int8)
    types[matters if relevance_first else matters & moves] = RegionType.DOR
    return types


def downsampling_mask(types: RegionTypes, downsampling_type: int) -> Mask:
    """B = f(phi): what tau_d = 0 (nothing), 1 (CMR) or 2 (CMR and SBR) downsamples. Raises `InputError` on others."""
    match downsampling_type:
        case 0:
            return np.zeros(types.shape, np.bool_)
        case 1:
            return np.asarray(types == RegionType.CMR)
        case 2:
            return np.asarray(types != RegionType.DOR)
    raise InputError(f"a downsampling type is 0, 1 or 2, got {downsampling_type}")
