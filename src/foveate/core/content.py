"""What a device knows about a frame's content and about its link, as numbers that estimators and policies share."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameContent:
    """Where a frame moves and where its objects are (ViTMAlis, section IV-C)."""

    region_motion: NDArray[np.float32]
    """m_j `(regions_h, regions_w)`: share of the frame's foreground pixels; all 0 without foreground."""
    frame_motion: float
    """m^f: foreground pixels / pixels, 0..1."""
    task_relevance: NDArray[np.float32]
    """rho_j `(regions_h, regions_w)`: share of the objects that overlap the region; all 0 without objects."""

    @property
    def relevance_mean(self) -> float:
        """mu(rho_j) over all regions."""
        return float(self.task_relevance.mean())

    @property
    def relevance_spread(self) -> float:
        """sigma(rho_j) over all regions."""
        return float(self.task_relevance.std())


@dataclass(frozen=True, kw_only=True)
class LinkState:
    """The uplink as the device expects it for its next offload."""

    throughput_bps: float
    """Bits per second."""
    rtt_s: float
    """Round-trip time without queues, seconds."""
