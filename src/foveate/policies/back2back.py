"""Back2Back: full frames, one directly after the other (ViTMAlis, section VI-A, baselines)."""

from dataclasses import dataclass
from typing import ClassVar

from foveate.core import OffloadPlan
from foveate.policies._base import DeviceState

QUALITY = 95
"""JPEG quality of all of the paper's baselines."""


@dataclass(frozen=True, kw_only=True)
class Back2Back:
    """Offloads the newest frame as soon as the last result is back, at full resolution and quality 95."""

    name: ClassVar[str] = "back2back"
    tracks: ClassVar[bool] = False
    needs_profile: ClassVar[bool] = False

    def decide(self, state: DeviceState) -> OffloadPlan:  # noqa: ARG002  # the same for every state
        """The full frame."""
        return OffloadPlan(jpeg_quality=QUALITY)
