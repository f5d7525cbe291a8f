"""What a policy chooses for one frame, and what then happened to it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foveate.core.errors import InputError
from foveate.core.regions import Mask
from foveate.core.slicing import Slicing
from foveate.core.views import View


@dataclass(frozen=True, kw_only=True, eq=False)
class OffloadPlan:
    """The configuration of one offload: what is downsampled, at what quality it is sent, where it is restored.

    Raises `InputError` on a quality outside 1..100, a negative restoration point, a scale outside (0, 1], or masks
    together with a scale, classes or views.
    """

    downsampling_mask: Mask | None = None
    """Bool `(regions_h, regions_w)`, True = low resolution; None = the whole frame at full resolution."""
    downsampling_type: int = 0
    """tau_d: 0 none, 1 CMR, 2 CMR and SBR; recorded for the reports."""
    jpeg_quality: int = 95
    """lambda: 1..100."""
    restoration_point: int = 0
    """beta: 0 restores pixels before the backbone, k restores tokens inside subset k; N + 1, for comparison, after the
    last block."""
    one_picture: bool = False
    """Whether regions of both resolutions are packed into one picture instead of one each."""
    blank_mask: Mask | None = None
    """Bool `(regions_h, regions_w)`, True = the region is sent as plain grey; None = none is."""
    frame_scale: float = 1.0
    """Factor on height and width before anything else: below 1 the frame is sent as a smaller image of its own."""
    importance_class: NDArray[np.uint8] | None = None
    """`(patch rows, patch columns)`: class of each patch, where classes have qualities of their own; None = they do
    not."""
    class_qualities: tuple[int, ...] = ()
    """JPEG quality of each class, 1..100; the whole frame is sent in one stream. Empty = `jpeg_quality` holds."""
    views: tuple[View, ...] = ()
    """Parts of the frame that are sent, one picture each, in place of the whole frame; empty = all of it."""
    slicing: Slicing | None = None
    """How the server cuts what it gets before its model sees it; None = it does not."""
    expected_bytes: float | None = None
    """What the policy expects it to take on the uplink; None = it does not say."""
    reason: str = ""
    """Why a policy chose it, in a word or two, for the reports."""

    def __post_init__(self) -> None:
        if not 1 <= self.jpeg_quality <= 100:
            raise InputError(f"jpeg_quality must lie in 1..100, got {self.jpeg_quality}")
        if self.restoration_point < 0:
            raise InputError(f"restoration_point must be 0 or more, got {self.restoration_point}")
        if not 0 < self.frame_scale <= 1:
            raise InputError(f"frame_scale must lie above 0 and not above 1, got {self.frame_scale:g}")
        if self.frame_scale < 1 and (self.downsampling_mask is not None or self.blank_mask is not None):
            raise InputError("a frame that is scaled as a whole has no masks: they belong to the full-size grid")
        self._check_parts()

    def _check_parts(self) -> None:
        masked = self.downsampling_mask is not None or self.blank_mask is not None or self.frame_scale < 1
        if masked and (self.class_qualities or self.views):
            raise InputError("classes of quality and views stand without masks and scales of the frame")
        if self.class_qualities and self.views:
            raise InputError("a frame is sent by classes or as views, not both")
        if (self.importance_class is None) != (not self.class_qualities):
            raise InputError("classes of patches and their qualities belong together")
        if not all(1 <= quality <= 100 for quality in self.class_qualities):
            raise InputError(f"qualities of classes must lie in 1..100, got {self.class_qualities}")

    def sent_size(self, frame_size: tuple[int, int]) -> tuple[int, int]:
        """`(height, width)` of the picture that is sent of a frame: its own, or that of a smaller image."""
        height, width = (max(1, round(side * self.frame_scale)) for side in frame_size)
        return height, width

    @property
    def in_parts(self) -> bool:
        """Whether it is sent as plain pictures with their places, which the server slices."""
        return bool(self.class_qualities or self.views)

    @property
    def downsampled_regions(self) -> int:
        """N_d: how many regions are sent at low resolution."""
        return 0 if self.downsampling_mask is None else int(self.downsampling_mask.sum())

    @property
    def blanked_regions(self) -> int:
        """How many regions are sent as plain grey."""
        return 0 if self.blank_mask is None else int(self.blank_mask.sum())


@dataclass(frozen=True, kw_only=True)
class OffloadRecord:
    """One offload as the device saw it. All spans are of the device's clock except the three server durations.

    `uplink_s` is told by the server's acknowledgement, which follows full receipt at once. Encoding, uplink, the
    server's durations and downlink add up to `e2e_latency_s`.
    """

    offload_id: int
    """Counts up from 0 in each run."""
    frame_index: int
    """Which frame was sent."""
    started_at: float
    """Start of encoding, seconds."""
    finished_at: float
    """Receipt of the result, or the moment at which it was given up, seconds."""
    plan: OffloadPlan
    """What was asked for."""
    payload_bytes: int
    """Compressed size of the frame."""
    encode_s: float
    """Splitting and compressing on the device."""
    uplink_s: float
    """Transmission and one propagation."""
    decode_s: float
    """Decompression, as the server measured it."""
    inference_s: float
    """Tokens to boxes, as the server measured it."""
    downlink_s: float
    """What is left of the end-to-end latency."""
    rtt_s: float
    """Round-trip time assumed when the stages were computed."""
    queue_s: float = 0.0
    """Wait for a server that is busy with other frames, as the server measured it."""
    failed: bool = False
    """True if no result came: the stages after the failure are 0."""

    @property
    def e2e_latency_s(self) -> float:
        """Start of encoding to receipt of the result."""
        return self.finished_at - self.started_at

    @property
    def throughput_bps(self) -> float:
        """Uplink rate that this offload saw, bits per second: the propagation is taken off, 1 ms at least."""
        return 8 * self.payload_bytes / max(self.uplink_s - self.rtt_s / 2, 1e-3)
