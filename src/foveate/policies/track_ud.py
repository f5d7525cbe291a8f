"""TrackUD: a smaller frame when the last offload took long (ViTMAlis, section VI-A, baselines)."""

from dataclasses import dataclass
from typing import ClassVar

from foveate.core import InputError, OffloadPlan
from foveate.policies._base import DeviceState
from foveate.policies.back2back import QUALITY


@dataclass(frozen=True, kw_only=True)
class TrackUD:
    """TrackB2B that sends the frame at a part of its height and width while the last latency is above a threshold."""

    name: ClassVar[str] = "track-ud"
    tracks: ClassVar[bool] = True
    needs_profile: ClassVar[bool] = False

    threshold_s: float = 0.5
    """End-to-end latency above which the frame is made smaller: 15 frame intervals at 30 FPS."""
    scale: float = 0.5
    """How much of height and width is left then; the paper's is a half."""

    def __post_init__(self) -> None:
        if not self.threshold_s > 0:
            raise InputError(f"threshold_s must be positive, got {self.threshold_s:g}")
        if not 0 < self.scale < 1:
            raise InputError(f"scale must lie between 0 and 1, got {self.scale:g}")

    def decide(self, state: DeviceState) -> OffloadPlan:
        """The full frame, or an image of its own of the smaller size."""
        slow = state.last_latency_s is not None and state.last_latency_s > self.threshold_s
        return OffloadPlan(jpeg_quality=QUALITY, frame_scale=self.scale if slow else 1.0)
