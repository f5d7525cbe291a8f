"""Patch importance and its classes: what a device hands from its model to its codec (Hyperion, section III-A)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foveate.core.detections import Detections
from foveate.core.errors import InputError
from foveate.core.regions import ceil_div

PATCH = 16
"""Side of a patch of the full frame, pixels; also the largest block of a JPEG with 4:2:0 chroma."""
CLASS_QUALITIES = (10, 30, 50, 70, 90, 95, 100)
"""JPEG qualities that a class may get, rising."""
IMPORTANCE_CLASSES = 3
"""K: importance classes, 0 = least (Hyperion, section IV-B)."""

ImportanceMap = NDArray[np.float32]
"""`(rows, columns)`: mean attention that each patch receives; higher matters more."""
ClassMap = NDArray[np.uint8]
"""`(rows, columns)`: importance class of each patch, 0 = least."""


def patch_grid(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of 16-pixel patches that hold at least one pixel of a frame."""
    return ceil_div(height, PATCH), ceil_div(width, PATCH)


def check_class_map(classes: object, *, frame_size: tuple[int, int], count: int = 256) -> ClassMap:
    """Return `classes` if it is uint8 `(rows, columns)` of the frame's patches below `count`, or raise `InputError`."""
    wanted = patch_grid(*frame_size)
    array = np.asarray(classes)
    if array.dtype != np.uint8 or array.shape != wanted:
        raise InputError(
            f"the class map of a {frame_size[0]} x {frame_size[1]} frame must be uint8 of shape {wanted}, "
            f"got {array.dtype} of shape {array.shape}"
        )
    if int(array.max()) >= count:
        raise InputError(f"importance classes must lie in 0..{count - 1}, got {int(array.max())}")
    return array


def class_shares(classes: ClassMap, count: int = IMPORTANCE_CLASSES) -> NDArray[np.float64]:
    """p_c: share of the patches in each class, `(count,)`, summing to 1."""
    return np.bincount(classes.reshape(-1), minlength=count) / classes.size


@dataclass(frozen=True, kw_only=True, eq=False)
class DeviceGlance:
    """What one pass of the device's model says about a frame: objects, and how much each patch matters."""

    detections: Detections
    """In pixels of the full frame."""
    importance: ImportanceMap
    """On the 16-pixel patches of the full frame."""


def carry_importance(
    importance: ImportanceMap, *, seen_size: tuple[int, int], frame_size: tuple[int, int]
) -> ImportanceMap:
    """Importance of a reduced frame on the patches of the full frame: the mean over the area of each patch.

    `importance` `(rows, columns)` on the 16-pixel patches of a frame of `seen_size`; both frames show the same view.
    Patches that the border clips count by their real area. Raises `InputError` on a shape that does not fit.
    """
    wanted = patch_grid(*seen_size)
    if importance.shape != wanted:
        raise InputError(f"importance of a frame of {seen_size} must have shape {wanted}, got {importance.shape}")
    rows, columns = (_overlaps(seen, full) for seen, full in zip(seen_size, frame_size, strict=True))
    carried: ImportanceMap = (rows @ importance @ columns.T).astype(np.float32)
    return carried


def box_importance(suspected: Detections, *, frame_size: tuple[int, int]) -> ImportanceMap:
    """Importance without attention: the greatest score of the boxes that overlap each patch, 0 where there is none.

    A detector that tells all that it faintly suspects, far below what it would show, says for nothing which patches are
    worth a second look (ours, beside equation 2 of Hyperion). `suspected`: boxes in pixels of the frame.
    """
    importance = np.zeros(patch_grid(*frame_size), np.float32)
    order = np.argsort(suspected.scores, kind="stable")
    first = np.floor(suspected.boxes[order, :2] / PATCH).clip(min=0).astype(int)
    last = np.ceil(suspected.boxes[order, 2:] / PATCH).clip(min=0).astype(int)
    for (left, top), (right, bottom), score in zip(first, last, suspected.scores[order], strict=True):
        importance[top:bottom, left:right] = score  # scores rise: the greatest comes last
    return importance


def _overlaps(seen: int, full: int) -> NDArray[np.float64]:
    """Shares `(patches of full, patches of seen)` along one axis; rows sum to 1."""
    from_edges = np.minimum(np.arange(0, seen + PATCH, PATCH), seen) / seen
    to_edges = np.minimum(np.arange(0, full + PATCH, PATCH), full) / full
    from_edges, to_edges = np.unique(from_edges), np.unique(to_edges)
    common = np.minimum(to_edges[1:, None], from_edges[1:]) - np.maximum(to_edges[:-1, None], from_edges[:-1])
    common = common.clip(min=0)
    shares: NDArray[np.float64] = common / common.sum(axis=1, keepdims=True)
    return shares
