"""Decodes a frame, runs the detector, and measures both."""

from collections.abc import Callable
from dataclasses import dataclass

from foveate.codec import EncodedFrame, decode_frame
from foveate.core import Clock, Detections
from foveate.network.messages import AnyOffload, PartsOffload, Welcome, unpack_mask
from foveate.server.detector_like import DetectorLike
from foveate.server.slices import decode_parts, detect_mixed_slices, detect_parts


@dataclass(frozen=True, kw_only=True, eq=False)
class Inferred:
    """What the engine made of one offload."""

    detections: Detections
    """In pixels of the original frame."""
    decode_s: float
    """JPEGs to tiles, seconds."""
    inference_s: float
    """Tiles to boxes, seconds."""


class Engine:
    """One detector and a clock that its durations are read from."""

    def __init__(self, detector: DetectorLike, *, clock: Clock) -> None:
        self._detector, self._clock = detector, clock

    def welcome(self) -> Welcome:
        """The model, described for devices."""
        detector = self._detector
        grid = detector.region_grid(1, 1)  # its parameters are the same for every size
        return Welcome(
            model=detector.name,
            weights_hash=detector.weights_hash,
            class_names=list(detector.class_names),
            score_threshold=detector.score_threshold,
            patch_size=grid.patch_size,
            window_size=grid.window_size,
            downsampling_factor=grid.downsampling_factor,
            subsets=detector.restoration_points[-1],
        )

    def run(self, offload: AnyOffload) -> Inferred:
        """Decode and detect. Raises `CodecError`, `ProtocolError` or `InputError` on what cannot be a frame."""
        started_at = self._clock.now()
        detect = self._decoded(offload)
        decoded_at = self._clock.now()
        detections = detect()
        return Inferred(
            detections=detections,
            decode_s=decoded_at - started_at,
            inference_s=self._clock.now() - decoded_at,
        )

    def _decoded(self, offload: AnyOffload) -> Callable[[], Detections]:
        """Decode; what is returned detects."""
        if isinstance(offload, PartsOffload):
            parts = decode_parts(offload)
            return lambda: detect_parts(self._detector, parts, offload)
        grid = self._detector.region_grid(offload.height, offload.width)
        encoded = EncodedFrame(full=offload.full, low=offload.low)
        mixed = decode_frame(encoded, grid=grid, mask=unpack_mask(offload.mask, grid))
        if offload.slice_regions:
            return lambda: detect_mixed_slices(self._detector, mixed, offload)
        return lambda: self._detector.detect_batch(
            [mixed], None, [offload.restoration_point], score_threshold=offload.score_threshold
        )[0]
