"""No tracking: boxes stay where the last result saw them."""

from collections.abc import Sequence

from foveate.core import Detections
from foveate.tracking.grey import GreyPair


class NoTracker:
    """The local tracker of a device that has none (ViTMAlis, section VI-A: Back2Back)."""

    def __init__(self) -> None:
        self._detections = Detections.empty(())

    def restart(self, detections: Detections, grey: GreyPair) -> None:  # noqa: ARG002  # no pixel is looked at
        """Show these boxes until the next result."""
        self._detections = detections

    def advance(self, grey: GreyPair) -> None:
        """Nothing moves."""

    def catch_up(self, frames: Sequence[GreyPair]) -> None:
        """Nothing moves."""

    def detections(self) -> Detections:
        """The last result."""
        return self._detections

    @property
    def retention(self) -> float:
        """Always 1: nothing is tracked, so nothing is lost."""
        return 1.0
