"""What is truly in a frame: a box, a visible share and a track id of every object.

A box is the whole silhouette of its object inside the frame, also where something hides it. Silhouettes of free objects
follow from their projected vertices; those that something may hide, or that leave the frame, are drawn alone and
counted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foveate.world.camera import NEAR
from foveate.world.errors import WorldError
from foveate.world.mesh import Floats, Ints
from foveate.world.renderer import FIRST_OBJECT, GROUND, Frame, Moment

LEAST_HEIGHT = 8.0
"""Objects lower than this many pixels are to be ignored."""
LEAST_VISIBLE = 0.25
"""Objects of which less than this share can be seen are to be ignored."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, pixels."""
Alone = Callable[[list[Ints]], list[Ints]]
"""Draws each group of objects as if nothing else existed; returns id pictures."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One object in one frame. Raises `WorldError` on an empty box."""

    track_id: int
    box: Box
    """Left, top, right, bottom in pixels: the silhouette inside the frame, hidden parts too."""
    visible: float
    """Share of that silhouette's pixels that can be seen, 0..1. An estimate for objects lower than `LEAST_HEIGHT`."""

    def __post_init__(self) -> None:
        if self.box[2] <= self.box[0] or self.box[3] <= self.box[1]:
            raise WorldError(f"a box must not be empty, got {self.box}")

    @property
    def ignore(self) -> bool:
        """Too small or too hidden to be asked for."""
        return self.visible < LEAST_VISIBLE or self.box[3] - self.box[1] < LEAST_HEIGHT


@dataclass(frozen=True, kw_only=True)
class Outline:
    """Projected extent of one object."""

    number: int
    box: Box
    """Pixels, not clipped to the frame."""
    farthest: float
    """Metres along the view of its farthest vertex."""
    cut: bool
    """Whether part of it lies behind the camera or outside the frame."""


def outlines(moment: Moment) -> list[Outline]:
    """Extents of the objects of `moment` that touch the frame."""
    if len(moment.kept) == 0:
        return []
    seen = moment.camera.project(moment.mesh.points)
    first = np.flatnonzero(np.diff(moment.owner, prepend=-1))
    low, high = np.minimum.reduceat(seen, first), np.maximum.reduceat(seen, first)
    width, height = moment.camera.width, moment.camera.height
    inside = (high[:, 2] > NEAR) & (high[:, 0] > 0) & (high[:, 1] > 0) & (low[:, 0] < width) & (low[:, 1] < height)
    cut = (low[:, 2] < NEAR) | (low[:, 0] < 0) | (low[:, 1] < 0) | (high[:, 0] > width) | (high[:, 1] > height)
    return [
        Outline(
            number=int(moment.kept[k]),
            box=(float(low[k, 0]), float(low[k, 1]), float(high[k, 0]), float(high[k, 1])),
            farthest=float(high[k, 2]),
            cut=bool(cut[k]),
        )
        for k in np.flatnonzero(inside)
    ]


def _clipped(box: Box, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    height, width = shape[:2]
    left, top = max(int(np.floor(box[0])) - 1, 0), max(int(np.floor(box[1])) - 1, 0)
    return left, top, min(int(np.ceil(box[2])) + 1, width), min(int(np.ceil(box[3])) + 1, height)


def may_be_hidden(outline: Outline, ids: Ints, distance: Floats) -> bool:
    """Whether anything but the ground lies inside the extent and before the object's farthest point."""
    left, top, right, bottom = _clipped(outline.box, ids.shape)
    inside = ids[top:bottom, left:right]
    foreign = (inside != GROUND) & (inside != outline.number + FIRST_OBJECT)
    return bool(np.any(foreign & (distance[top:bottom, left:right] < outline.farthest)))


def apart(outlines_: Sequence[Outline], shape: tuple[int, int]) -> list[list[Outline]]:
    """Groups of outlines whose extents do not touch, so that each can share one picture. Greedy, largest first."""
    groups: list[list[Outline]] = []
    taken: list[NDArray[np.bool_]] = []
    for outline in sorted(outlines_, key=lambda o: (o.box[1] - o.box[3], o.number)):
        left, top, right, bottom = _clipped(outline.box, shape)
        free = [k for k, mask in enumerate(taken) if not mask[top:bottom, left:right].any()]
        if not free:
            free = [len(groups)]
            groups.append([])
            taken.append(np.zeros(shape, bool))
        groups[free[0]].append(outline)
        taken[free[0]][top:bottom, left:right] = True
    return groups


def _lone(outline: Outline, picture: Ints) -> tuple[Box, int] | None:
    """Box and pixel count of an object drawn alone, None where it has no pixel."""
    left, top, right, bottom = _clipped(outline.box, picture.shape)
    own = picture[top:bottom, left:right] == outline.number + FIRST_OBJECT
    rows, columns = np.flatnonzero(own.any(axis=1)), np.flatnonzero(own.any(axis=0))
    if len(rows) == 0:
        return None
    right, bottom = left + int(columns[-1]) + 1, top + int(rows[-1]) + 1
    return (float(left + int(columns[0])), float(top + int(rows[0])), float(right), float(bottom)), int(own.sum())


def _rounded(box: Box, width: int, height: int) -> Box:
    left, top, right, bottom = (round(v, 2) for v in box)
    return max(left, 0.0), max(top, 0.0), min(right, float(width)), min(bottom, float(height))


def _guess(outline: Outline, pixels: int) -> float:
    """Visible share of a tiny object: its pixels against the usual fill of a box, 0.6."""
    left, top, right, bottom = outline.box
    return min(1.0, pixels / (0.6 * max((right - left) * (bottom - top), 1.0)))


def _measured(
    doubtful: Sequence[Outline], counts: Ints, shape: tuple[int, int], alone: Alone
) -> dict[int, tuple[Box, float]]:
    """Boxes and visible shares by number, from drawing each object alone."""
    found = {}
    groups = apart(doubtful, shape)
    pictures = alone([np.array(sorted(o.number for o in group), np.int32) for group in groups])
    for group, picture in zip(groups, pictures, strict=True):
        for outline in group:
            lone = _lone(outline, picture)
            if lone is not None:
                share = min(1.0, float(counts[outline.number + FIRST_OBJECT]) / lone[1])
                found[outline.number] = (lone[0] if outline.cut else outline.box, share)
    return found


def observe(moment: Moment, frame: Frame, alone: Alone) -> list[Seen]:
    """Every object with a visible pixel, by track id."""
    height, width = frame.ids.shape
    highest = int(moment.kept.max(initial=0)) + FIRST_OBJECT
    counts = np.bincount(frame.ids.ravel(), minlength=highest + 1).astype(np.int32)
    extents = [o for o in outlines(moment) if counts[o.number + FIRST_OBJECT]]
    found: dict[int, tuple[Box, float]] = {}
    doubtful = []
    for outline in extents:
        if outline.box[3] - outline.box[1] < LEAST_HEIGHT:
            found[outline.number] = (outline.box, _guess(outline, int(counts[outline.number + FIRST_OBJECT])))
        elif outline.cut or may_be_hidden(outline, frame.ids, frame.distance):
            doubtful.append(outline)
        else:
            found[outline.number] = (outline.box, 1.0)
    found |= _measured(doubtful, counts, (height, width), alone)
    boxes = {number: (_rounded(box, width, height), share) for number, (box, share) in found.items()}
    return [
        Seen(track_id=number, box=box, visible=round(share, 3))
        for number, (box, share) in sorted(boxes.items())
        if box[2] > box[0] and box[3] > box[1]
    ]
