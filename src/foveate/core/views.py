"""Parts of a frame at a scale of their own, and what a device's own model sees in them (Hyperion, section III)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from foveate.core.detections import Detections
from foveate.core.errors import InputError
from foveate.core.frame import Pixels


@dataclass(frozen=True, kw_only=True)
class View:
    """A rectangle of a frame, enlarged or reduced. Raises `InputError` on an empty one, or a scale outside (0, 1]."""

    top: int
    """Upper border, pixels of the frame."""
    left: int
    """Left border, pixels of the frame."""
    bottom: int
    """Lower border, pixels of the frame; this row is outside."""
    right: int
    """Right border, pixels of the frame; this column is outside."""
    scale: float = 1.0
    """Factor on height and width, above 0 and at most 1."""

    def __post_init__(self) -> None:
        if not (0 <= self.top < self.bottom and 0 <= self.left < self.right):
            raise InputError(
                f"a view needs 0 <= top < bottom and 0 <= left < right, got rows {self.top} to {self.bottom} "
                f"and columns {self.left} to {self.right}"
            )
        if not 0 < self.scale <= 1:
            raise InputError(f"the scale of a view must lie above 0 and not above 1, got {self.scale:g}")

    @classmethod
    def whole(cls, size: tuple[int, int], scale: float = 1.0) -> "View":
        """All of a frame of `(height, width)`."""
        return cls(top=0, left=0, bottom=size[0], right=size[1], scale=scale)

    @property
    def size(self) -> tuple[int, int]:
        """`(height, width)` after scaling, pixels, at least 1."""
        height, width = self.bottom - self.top, self.right - self.left
        return max(1, round(height * self.scale)), max(1, round(width * self.scale))

    @property
    def pixels(self) -> int:
        """How many pixels it has after scaling."""
        height, width = self.size
        return height * width

    def in_frame(self, seen: Detections) -> Detections:
        """Boxes in pixels of the scaled view -> boxes in pixels of the frame."""
        height, width = self.size
        scaled = seen.scaled((self.bottom - self.top) / height, (self.right - self.left) / width)
        return scaled.moved(self.top, self.left)


ImportanceLayers = Literal["last", "first", "all"]
"""Whose attention is averaged: the last global block, which the feature pyramid reads, the first one, or all."""
ImportanceScale = Literal["linear", "log"]
"""What natural breaks are sought in: importance as it is, or its logarithm, for attention has a long tail."""


ImportanceSource = Literal["attention", "boxes"]
"""What says which patches matter: attention that they receive, or boxes that the model suspects there."""


@dataclass(frozen=True, kw_only=True)
class ImportanceWish:
    """How patches become classes (equation 2 and natural breaks)."""

    source: ImportanceSource = "attention"
    layers: ImportanceLayers = "last"
    """Of attention."""
    scale: ImportanceScale = "linear"

    @property
    def parameters(self) -> dict[str, str]:
        """Those of a policy that make classes so; equal ones make equal classes. Boxes have no layers."""
        layers = {} if self.source == "boxes" else {"layers": self.layers}
        return {"importance": self.source, **layers, "breaks": self.scale}


@dataclass(frozen=True, kw_only=True)
class LookPlan:
    """What a device's model looks at in one frame."""

    views: tuple[View, ...]
    """In any order; boxes of overlapping views are merged by suppression."""
    kept: tuple[View, ...] = ()
    """Parts that it does not look at: there the last answer stays."""
    importance: ImportanceWish | None = None
    """How the patches of the only view, the whole frame, are put into classes; None = they are not."""

    @property
    def pixels(self) -> int:
        """How many pixels the model computes."""
        return sum(view.pixels for view in self.views)


@dataclass(frozen=True, kw_only=True, eq=False)
class Look:
    """What a device's model saw in one frame."""

    detections: Detections
    """In pixels of the frame, of every score that the model gives."""
    importance_class: NDArray[np.uint8] | None = None
    """`(patch rows, patch columns)` of the frame: class of each patch by its importance, 0 = least; None where it was
    not asked for."""
    thumbnail_bytes: int = 0
    """Compressed size of a thumbnail of the frame, which tells how dear its content is to send; 0 = not measured."""


Looker = Callable[[Pixels, LookPlan], Look]
"""A device's model: frame `(H, W, 3)` and what to look at -> what it saw. Injected: a device has no torch."""
