"""What a device knows about a frame's content and about its link, as numbers that estimators and policies share."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foveate.core.detections import Detections


@dataclass(frozen=True, kw_only=True)
class LastOffload:
    """The last offload that brought a result: its bytes tell how dear this content is to send."""

    bytes_per_pixel: float
    """Compressed size over the pixels of the full-size frame, above 0."""
    jpeg_quality: int
    """lambda of its plan."""
    downsampled_share: float
    """N_d of its plan over all regions, 0..1."""
    detail: float
    """Mean of its frame's `region_detail` over the frame."""
    downsampled_detail: float
    """Share of its frame's detail in the regions that it downsampled, 0..1."""
    frames_ago: int
    """Frames from the one that was sent to the one at hand."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameContent:
    """Where a frame moves and where its objects are (ViTMAlis, section IV-C).

    What follows `task_relevance` is more than the paper's estimators read; a device that does not measure it leaves
    it out.
    """

    region_motion: NDArray[np.float32]
    """m_j `(regions_h, regions_w)`: share of the frame's foreground pixels; all 0 without foreground."""
    frame_motion: float
    """m^f: foreground pixels / pixels, 0..1."""
    task_relevance: NDArray[np.float32]
    """rho_j `(regions_h, regions_w)`: share of the objects that overlap the region; all 0 without objects."""
    region_detail: NDArray[np.float32] | None = None
    """`(regions_h, regions_w)`: mean absolute step between neighbouring pixels of the reduced grey frame, in grey
    levels."""
    objects: Detections | None = None
    """What the tracker shows."""
    agreement: float | None = None
    """Mean F1 of what the tracker showed against the results that then came for these frames, of the latest few; None
    before the second result. Low where objects come and go, or where the model wavers."""
    last: LastOffload | None = None
    """None before the first result."""
    fading_per_s: float = 0.0
    """Rate at which F1 of what the tracker shows is expected to fall with its age, of the logarithm; see `Fading`."""

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
