"""What a server asks of a model."""

from collections.abc import Sequence
from typing import Protocol

from foveate.core import Detections, Mask, MixedFrame, Pixels, RegionGrid


class DetectorLike(Protocol):
    """What a server needs of a model; `foveate.models.Detector` is one."""

    name: str
    """What reports call it."""
    weights_hash: str
    """Changes whenever results may change."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of class ids."""
        ...

    @property
    def score_threshold(self) -> float:
        """Detections below it are not shown."""
        ...

    @property
    def restoration_points(self) -> range:
        """0..N."""
        ...

    def region_grid(self, height: int, width: int) -> RegionGrid:
        """The decision regions of a frame of `height x width` pixels."""
        ...

    def detect_batch(
        self,
        frames: Sequence[Pixels | MixedFrame],
        downsampling_masks: Sequence[Mask | None] | None = None,
        restoration_points: Sequence[int] | None = None,
        *,
        score_threshold: float | None = None,
    ) -> list[Detections]:
        """Objects of each frame, boxes in its own pixels. `MixedFrame`s bring their own masks."""
        ...
