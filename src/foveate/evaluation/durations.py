"""How long a profile says that an offload's work takes, by its plan."""

from dataclasses import dataclass

import numpy as np

from foveate.core import OffloadPlan, Profile, RegionGrid
from foveate.estimators import decode_seconds, encode_seconds, inference_seconds


@dataclass(frozen=True, kw_only=True)
class Durations:
    """Of one profile; `grid` is that of the picture sent."""

    profile: Profile

    def encode_s(self, plan: OffloadPlan, grid: RegionGrid) -> float:
        """Splitting and compressing on the device."""
        downsampled, quality = np.array([float(plan.downsampled_regions)]), np.array([plan.jpeg_quality])
        return float(encode_seconds(self.profile.codec, grid, downsampled, quality)[0])

    def decode_s(self, plan: OffloadPlan, grid: RegionGrid) -> float:
        """Decompression on the server."""
        return decode_seconds(self.profile.codec, grid, float(plan.downsampled_regions))

    def inference_s(self, plan: OffloadPlan, grid: RegionGrid) -> float:
        """Tokens to boxes on the server, without the spread of repeated measurements."""
        downsampled, point = np.array([float(plan.downsampled_regions)]), np.array([plan.restoration_point])
        return float(inference_seconds(self.profile.server, grid, downsampled, point)[0])
