"""Fixed: one restoration point and one quality for the whole run; regions without objects are downsampled."""

from dataclasses import dataclass
from typing import ClassVar

from foveate.core import InputError, OffloadPlan
from foveate.policies._base import DeviceState


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """Offloads as Back2Back does, but downsamples every region in which the last result saw no object."""

    name: ClassVar[str] = "fixed"
    tracks: ClassVar[bool] = False
    needs_profile: ClassVar[bool] = False

    beta: int = 2
    """Restoration point, 0..N of the server's model."""
    quality: int = 95
    """JPEG quality, 1..100."""

    def __post_init__(self) -> None:
        if self.beta < 0:
            raise InputError(f"beta must be 0 or more, got {self.beta}")
        if not 1 <= self.quality <= 100:
            raise InputError(f"quality must lie in 1..100, got {self.quality}")

    def decide(self, state: DeviceState) -> OffloadPlan:
        """The frame with its empty regions downsampled (as in the pilot of ViTMAlis, section III-B, figure 5)."""
        if self.beta not in state.restoration_points:
            latest = state.restoration_points[-1]
            raise InputError(f"policy fixed: beta must lie in 0..{latest} for this model, got {self.beta}")
        if state.result is None:
            return OffloadPlan(jpeg_quality=self.quality)
        empty = ~state.grid.overlapping(state.result.boxes)
        if not empty.any():
            return OffloadPlan(jpeg_quality=self.quality)
        return OffloadPlan(
            downsampling_mask=empty,
            downsampling_type=2,
            jpeg_quality=self.quality,
            restoration_point=self.beta,
        )
