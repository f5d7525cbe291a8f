"""TrackRoI: only regions with moving objects keep their pixels (ViTMAlis, section VI-A, baselines)."""

from dataclasses import dataclass
from typing import ClassVar

from foveate.core import OffloadPlan
from foveate.policies._base import DeviceState
from foveate.policies.back2back import QUALITY
from foveate.policies.region_types import RegionType, region_types


@dataclass(frozen=True, kw_only=True)
class TrackRoI:
    """TrackB2B that blanks every region that is not a DOR. Without any DOR it sends the full frame."""

    name: ClassVar[str] = "track-roi"
    tracks: ClassVar[bool] = True
    needs_profile: ClassVar[bool] = False

    relevance_first: bool = False
    """Whether an object makes a region a DOR even without motion."""

    def decide(self, state: DeviceState) -> OffloadPlan:
        """The frame with its other regions blanked; one miss must not blind it for ever, hence the full frame."""
        if state.result is None or state.content is None:
            return OffloadPlan(jpeg_quality=QUALITY)
        other = region_types(state.content, relevance_first=self.relevance_first) != RegionType.DOR
        return OffloadPlan(jpeg_quality=QUALITY, blank_mask=other if other.any() and not other.all() else None)
