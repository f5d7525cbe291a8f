"""All configurations of a frame, those of equal effect once (ViTMAlis, sections IV-B and VI-A)."""

from collections.abc import Sequence
from itertools import product

import numpy as np

from foveate.core import Candidates, FrameContent, Mask
from foveate.policies.region_types import RegionTypes, downsampling_mask

QUALITIES = (70, 75, 80, 85, 90, 95, 100)
"""JPEG qualities of the paper: 7 x (type 0 + 2 types x 5 restoration points) = 77 configurations."""
SCALES = (1.0, 0.75, 0.5)
"""Of whole frames: 21 configurations with the qualities."""


def configurations(
    types: RegionTypes,
    content: FrameContent,
    *,
    restoration_points: Sequence[int],
    qualities: tuple[int, ...] = QUALITIES,
    downsampling_types: tuple[int, ...] = (0, 1, 2),
) -> Candidates:
    """What can be done with a frame of these region types.

    A type that downsamples nothing, or what a lower type downsamples, is left out: it would do the same.
    """
    masks = _distinct(types, downsampling_types)
    rows = [
        (kind, quality, beta)
        for kind, mask in masks.items()
        for quality, beta in product(qualities, restoration_points if mask.any() else (0,))
    ]
    return _candidates(masks, content, rows)


def uniform_configurations(
    content: FrameContent,
    *,
    restoration_points: range,
    qualities: tuple[int, ...] = QUALITIES,
    scales: tuple[float, ...] = SCALES,
) -> Candidates:
    """The whole frame at each of a few sizes and qualities, as an image of its own.

    Estimates read a smaller image as a frame whose regions are all downsampled in part, and restored last: the model
    sees nothing finer than what was sent.
    """
    shape = content.region_motion.shape
    masks = {0: np.zeros(shape, np.bool_), 2: np.ones(shape, np.bool_)}
    rows = [
        (0, quality, 0) if scale == 1 else (2, quality, restoration_points[-1])
        for scale, quality in product(scales, qualities)
    ]
    return _candidates(masks, content, rows, [scale for scale in scales for _ in qualities])


def _candidates(
    masks: dict[int, Mask],
    content: FrameContent,
    rows: Sequence[tuple[int, int, int]],
    scales: Sequence[float] | None = None,
) -> Candidates:
    """`rows`: tau_d, lambda and beta of each."""
    kinds, quality, beta = np.array(rows, np.int64).T
    regions = {kind: int(mask.sum()) for kind, mask in masks.items()}
    motion = {kind: float(content.region_motion[mask].sum()) for kind, mask in masks.items()}
    return Candidates(
        masks=masks,
        downsampling_type=kinds,
        downsampled_regions=np.array([regions[kind] for kind in kinds], np.int64),
        downsampled_motion=np.array([motion[kind] for kind in kinds]),
        jpeg_quality=quality,
        restoration_point=beta,
        frame_scale=np.ones(len(rows)) if scales is None else np.array(scales, np.float64),
    )


def _distinct(types: RegionTypes, downsampling_types: tuple[int, ...]) -> dict[int, Mask]:
    masks: dict[int, Mask] = {}
    for kind in downsampling_types:
        mask = downsampling_mask(types, kind)
        if not any(np.array_equal(mask, other) for other in masks.values()):
            masks[kind] = mask
    return masks
