"""Sliced inference: all slices of one offload in one batch, and one result of them (Hyperion, section IV-B; SAHI)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from foveate.codec import EncodedPart, decode_part
from foveate.core import Detections, MixedFrame, Pixels, RegionGrid, Slicing, View
from foveate.network.messages import Offload, PartsOffload

if TYPE_CHECKING:
    from foveate.server.engine import DetectorLike

OVERLAP = 0.25
"""Least share of a mixed slice's regions that the next slice has as well."""
MERGE_IOU = 0.25
"""Of boxes from mixed slices."""

Parts = list[tuple[View, Pixels]]
"""What was decoded, and where it lies in the frame."""


def decode_parts(offload: PartsOffload) -> Parts:
    """The pictures of an offload. Raises `CodecError` on bytes that are not what the message says."""
    found = []
    for part in offload.parts:
        view = View(top=part.top, left=part.left, bottom=part.bottom, right=part.right, scale=part.scale)
        found.append((view, decode_part(EncodedPart(view=view, data=part.data, by_class=part.by_class))))
    return found


def detect_parts(detector: "DetectorLike", parts: Parts, offload: PartsOffload) -> Detections:
    """Objects of the frame, from the slices of all parts."""
    slicing = None
    if offload.slice_side:
        slicing = Slicing(side=offload.slice_side, overlap=offload.slice_overlap, merge_iou=offload.merge_iou)
    cuts = [(view, corner, cut) for view, pixels in parts for corner, cut in _sliced(pixels, slicing)]
    found = detector.detect_batch([cut for _, _, cut in cuts], score_threshold=offload.score_threshold)
    in_frame = [view.in_frame(part.moved(*corner)) for part, (view, corner, _) in zip(found, cuts, strict=True)]
    return _merged(in_frame, offload.merge_iou)


def detect_mixed_slices(detector: "DetectorLike", mixed: MixedFrame, offload: Offload) -> Detections:
    """Objects of a frame of mixed resolution, from slices of whole decision regions."""
    slices = mixed_slices(mixed, offload.slice_regions)
    found = detector.detect_batch(
        [part for _, part in slices],
        None,
        [offload.restoration_point] * len(slices),
        score_threshold=offload.score_threshold,
    )
    in_frame = [part.moved(*corner) for part, (corner, _) in zip(found, slices, strict=True)]
    return _merged(in_frame, MERGE_IOU)


def mixed_slices(mixed: MixedFrame, side: int) -> list[tuple[tuple[int, int], MixedFrame]]:
    """Squares of `side x side` decision regions with their upper left corners in pixels, row by row.

    Neighbours share at least a quarter of their regions; the last ones end at the frame's border.
    """
    grid = mixed.grid
    rows, columns = (_starts(count, side) for count in grid.shape)
    return [
        ((row * grid.region_pixels, column * grid.region_pixels), _cut(mixed, row, column, side))
        for row in rows
        for column in columns
    ]


def _starts(count: int, side: int) -> list[int]:
    last = max(0, count - side)
    return [*range(0, last, max(1, side - max(1, round(side * OVERLAP)))), last]


def _cut(mixed: MixedFrame, row: int, column: int, side: int) -> MixedFrame:
    whole = mixed.grid
    top, left, _, _ = whole.box(row, column)
    mask = mixed.mask[row : row + side, column : column + side]
    _, _, bottom, right = whole.box(row + mask.shape[0] - 1, column + mask.shape[1] - 1)
    # Where each region's tile lies among the tiles of its resolution.
    flat = mixed.mask.reshape(-1)
    order = np.where(flat, np.cumsum(flat), np.cumsum(~flat)).reshape(whole.shape) - 1
    places = order[row : row + side, column : column + side]
    grid = RegionGrid(
        height=bottom - top,
        width=right - left,
        patch_size=whole.patch_size,
        window_size=whole.window_size,
        downsampling_factor=whole.downsampling_factor,
    )
    return MixedFrame(grid=grid, mask=mask, full=mixed.full[places[~mask]], low=mixed.low[places[mask]])


def _sliced(pixels: Pixels, slicing: Slicing | None) -> list[tuple[tuple[int, int], Pixels]]:
    """Slices of a picture with their corners; without slicing the picture itself."""
    if slicing is None:
        return [((0, 0), pixels)]
    side = slicing.side
    return [
        ((top, left), np.ascontiguousarray(pixels[top : top + side, left : left + side]))
        for top, left in slicing.corners(*pixels.shape[:2])
    ]


def _merged(parts: Sequence[Detections], merge_iou: float) -> Detections:
    from foveate.models import merge_slices  # noqa: PLC0415  # a process that only watches a server has no torch

    return merge_slices(parts, [(0, 0)] * len(parts), merge_iou)
