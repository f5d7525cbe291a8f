"""track-fixed: a control of ViTMAlis that keeps one configuration for the whole run."""

from dataclasses import dataclass
from typing import ClassVar

from foveate.core import InputError, OffloadPlan
from foveate.policies._base import DeviceState
from foveate.policies.region_types import downsampling_mask, region_types


@dataclass(frozen=True, kw_only=True)
class TrackFixed:
    """One of ViTMAlis' configurations, always; region types and tracker are its own.

    What ViTMAlis shows above the best of them is what choosing anew for each frame is worth.
    """

    name: ClassVar[str] = "track-fixed"
    tracks: ClassVar[bool] = True
    needs_profile: ClassVar[bool] = False

    downsampling_type: int = 2
    """tau_d: 0 nothing, 1 CMR, 2 CMR and SBR are downsampled."""
    quality: int = 95
    """JPEG quality, 1..100."""
    beta: int = 4
    """Restoration point, 0..N of the server's model."""

    def __post_init__(self) -> None:
        if self.downsampling_type not in (0, 1, 2):
            raise InputError(f"downsampling_type must be 0, 1 or 2, got {self.downsampling_type}")
        if not 1 <= self.quality <= 100:
            raise InputError(f"quality must lie in 1..100, got {self.quality}")
        if self.beta < 0:
            raise InputError(f"beta must be 0 or more, got {self.beta}")

    def decide(self, state: DeviceState) -> OffloadPlan:
        """The configuration on the newest frame; the full frame before a first result."""
        if self.beta not in state.restoration_points:
            latest = state.restoration_points[-1]
            raise InputError(f"policy track-fixed: beta must lie in 0..{latest} for this model, got {self.beta}")
        if state.result is None or state.content is None:
            return OffloadPlan(jpeg_quality=self.quality)
        mask = downsampling_mask(region_types(state.content), self.downsampling_type)
        if not mask.any():
            return OffloadPlan(jpeg_quality=self.quality)
        return OffloadPlan(
            downsampling_mask=mask,
            downsampling_type=self.downsampling_type,
            jpeg_quality=self.quality,
            restoration_point=self.beta,
        )
