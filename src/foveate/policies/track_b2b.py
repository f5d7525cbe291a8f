"""TrackB2B: Back2Back with a local tracker (ViTMAlis, section VI-A, baselines)."""

from dataclasses import dataclass
from typing import ClassVar

from foveate.core import OffloadPlan
from foveate.policies._base import DeviceState
from foveate.policies.back2back import QUALITY


@dataclass(frozen=True, kw_only=True)
class TrackB2B:
    """Offloads as Back2Back does; a tracker carries the boxes over the frames between results."""

    name: ClassVar[str] = "track-b2b"
    tracks: ClassVar[bool] = True
    needs_profile: ClassVar[bool] = False

    def decide(self, state: DeviceState) -> OffloadPlan:  # noqa: ARG002  # the same for every state
        """The full frame."""
        return OffloadPlan(jpeg_quality=QUALITY)
