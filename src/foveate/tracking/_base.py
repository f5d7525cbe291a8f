"""The contract of every local tracker: carry the last result over the frames that follow it."""

from collections.abc import Sequence
from typing import Protocol

from foveate.core import Detections
from foveate.tracking.grey import GreyPair


class LocalTracker(Protocol):
    """Boxes of the last result, moved to the newest frame (ViTMAlis, section IV-B).

    A generation starts with `restart` at the frame that was offloaded, runs through the frames that passed
    meanwhile (`catch_up`), and goes on with every new one (`advance`). Before the first there are no boxes.
    Deterministic; one instance belongs to one thread at a time.
    """

    def restart(self, detections: Detections, grey: GreyPair) -> None:
        """Start a generation: `detections` is what was found in the frame `grey`. Raises `InputError` on bad boxes."""
        ...

    def advance(self, grey: GreyPair) -> None:
        """Move on to the next frame. Raises `InputError` if its size is not that of the generation's first."""
        ...

    def catch_up(self, frames: Sequence[GreyPair]) -> None:
        """Move on over all frames after the offloaded one, oldest first, to the last of them."""
        ...

    def detections(self) -> Detections:
        """What is still tracked, in the order of the result and with its scores and classes; boxes inside the frame."""
        ...

    @property
    def retention(self) -> float:
        """kappa, 0..1: objects of the result still tracked over objects of the result.

        Objects whose boxes left the frame count in neither number; 1 if no object is left to count.
        """
        ...
