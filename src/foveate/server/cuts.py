"""Offloads that the model sees in several pictures: their slices, and one result of all (Hyperion, section IV-B; SAHI).

A cut is a picture and where it lies in the frame. An offload that is not sliced is one cut, the frame itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from foveate.codec import EncodedPart, decode_part
from foveate.core import Detections, MixedFrame, Pixels, RegionGrid, Slicing, View, join_detections
from foveate.metrics import suppress
from foveate.network.messages import PartsOffload

OVERLAP = 0.25
"""Least share of a mixed slice's regions that the next slice has as well; slices of one region share none."""
MERGE_IOU = 0.25
"""Of boxes from mixed slices."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Cut:
    """A picture for the model."""

    picture: Pixels | MixedFrame
    corner: tuple[int, int] = (0, 0)
    """`(top, left)` of the picture in its view, pixels of the view; in the frame without one."""
    view: View | None = None
    """The part of the frame that it was cut from, at its scale; None = the frame itself."""

    def in_frame(self, found: Detections) -> Detections:
        """Boxes in pixels of the picture -> boxes in pixels of the frame."""
        moved = found if self.corner == (0, 0) else found.moved(*self.corner)
        return moved if self.view is None else self.view.in_frame(moved)


def part_cuts(offload: PartsOffload) -> list[Cut]:
    """Slices of all parts. Raises `CodecError` on bytes that are not what the message says."""
    slicing = offload.slicing
    found = []
    for part in offload.parts:
        view = part.view
        pixels = decode_part(EncodedPart(view=view, data=part.data, by_class=part.by_class))
        found += [Cut(picture=cut, corner=corner, view=view) for corner, cut in _sliced(pixels, slicing)]
    return found


def mixed_cuts(mixed: MixedFrame, side: int) -> list[Cut]:
    """Squares of `side x side` decision regions, row by row.

    Neighbours share at least a quarter of their regions, single regions aside; the last ones end at the frame's border.
    """
    rows, columns = (_starts(count, side) for count in mixed.grid.shape)
    step = mixed.grid.region_pixels
    return [
        Cut(picture=_square(mixed, row, column, side), corner=(row * step, column * step))
        for row in rows
        for column in columns
    ]


def merged(cuts: Sequence[Cut], found: Sequence[Detections], merge_iou: float) -> Detections:
    """One result of what was found in each cut: a single whole picture's own, else merged by suppression."""
    in_frame = [cut.in_frame(part) for cut, part in zip(cuts, found, strict=True)]
    return in_frame[0] if len(in_frame) == 1 else suppress(join_detections(in_frame), merge_iou)


def parts_tokens(offload: PartsOffload, grid_of: Callable[[int, int], RegionGrid]) -> int:
    """Tokens of all slices of all parts at full resolution; `grid_of`: decision regions of a picture."""
    slicing, tokens = offload.slicing, 0
    for height, width in (part.view.size for part in offload.parts):
        side = max(height, width) if slicing is None else slicing.side
        count = 1 if slicing is None else slicing.count([(height, width)])
        tokens += count * grid_of(min(height, side), min(width, side)).tokens()
    return tokens


def overlap_factor(grid: RegionGrid, side: int) -> float:
    """Pixels of all slices of `side x side` regions over those of the frame."""
    rows, columns = ((len(_starts(count, side)) * min(count, side)) / count for count in grid.shape)
    return rows * columns


def _starts(count: int, side: int) -> list[int]:
    last = max(0, count - side)
    return [*range(0, last, max(1, side - ceil(side * OVERLAP))), last]


def _square(mixed: MixedFrame, row: int, column: int, side: int) -> MixedFrame:
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
