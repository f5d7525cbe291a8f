"""Decodes a frame, runs the detector, and measures both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from foveate.codec import EncodedFrame, decode_frame
from foveate.core import Clock, Detections, Mask, MixedFrame, Pixels, RegionGrid
from foveate.network.messages import AnyOffload, Offload, PartsOffload, Welcome, unpack_mask
from foveate.server.slices import decode_parts, detect_mixed_slices, detect_parts


class DetectorLike(Protocol):
    """What a server needs of a model; `foveate.models.Detector` is one."""

    name: str
    """What reports call it."""
    weights_hash: str
    """Changes whenever results may change."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of class ids."""
        ...

    @property
    def score_threshold(self) -> float:
        """Detections below it are not shown."""
        ...

    @property
    def restoration_points(self) -> range:
        """0..N."""
        ...

    def region_grid(self, height: int, width: int) -> RegionGrid:
        """The decision regions of a frame of `height x width` pixels."""
        ...

    def detect_batch(
        self,
        frames: Sequence[Pixels | MixedFrame],
        downsampling_masks: Sequence[Mask | None] | None = None,
        restoration_points: Sequence[int] | None = None,
        *,
        score_threshold: float | None = None,
    ) -> list[Detections]:
        """Objects of each frame, boxes in its own pixels. `MixedFrame`s bring their own masks."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Inferred:
    """What the engine made of one offload."""

    detections: Detections
    """In pixels of the original frame."""
    decode_s: float
    """JPEGs to tiles, seconds."""
    inference_s: float
    """Tiles to boxes, seconds."""
    model: str = ""
    """Name of the model."""
    frame: MixedFrame | None = None
    """What it saw. None in a simulation, where nothing is decoded."""
    batch_size: int = 1
    """Offloads that went through the model together with this one, itself included."""
    tokens: int = 0
    """Tokens that a block of the backbone saw of this frame, averaged over the subsets."""
    full_tokens: int = 0
    """Tokens of the whole frame at full resolution."""


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
            models=[detector.name],
        )

    def run(self, offload: AnyOffload) -> Inferred:
        """Decode and detect. Raises `CodecError`, `ProtocolError` or `InputError` on what cannot be a frame."""
        return self._run_parts(offload) if isinstance(offload, PartsOffload) else self._run_mixed(offload)

    def _run_parts(self, offload: PartsOffload) -> Inferred:
        started_at = self._clock.now()
        parts = decode_parts(offload)
        decoded_at = self._clock.now()
        detections = detect_parts(self._detector, parts, offload)
        return Inferred(
            detections=detections,
            decode_s=decoded_at - started_at,
            inference_s=self._clock.now() - decoded_at,
            model=self._detector.name,
        )

    def _run_mixed(self, offload: Offload) -> Inferred:
        started_at = self._clock.now()
        grid = self._detector.region_grid(offload.height, offload.width)
        encoded = EncodedFrame(full=offload.full, low=offload.low)
        mixed = decode_frame(encoded, grid=grid, mask=unpack_mask(offload.mask, grid))
        subsets = self._detector.restoration_points[-1]
        decoded_at = self._clock.now()
        detections = self._detect(mixed, offload)
        return Inferred(
            detections=detections,
            decode_s=decoded_at - started_at,
            inference_s=self._clock.now() - decoded_at,
            model=self._detector.name,
            frame=mixed,
            tokens=seen_tokens(mixed.grid, mixed.mask, offload.restoration_point, subsets),
            full_tokens=grid.tokens(),
        )

    def _detect(self, mixed: MixedFrame, offload: Offload) -> Detections:
        if offload.slice_regions:
            return detect_mixed_slices(self._detector, mixed, offload)
        return self._detector.detect_batch(
            [mixed], None, [offload.restoration_point], score_threshold=offload.score_threshold
        )[0]


def seen_tokens(grid: RegionGrid, mask: Mask, restoration_point: int, subsets: int) -> int:
    """Tokens that a block sees of a frame, averaged over the subsets: with restoration point k, k of them see fewer."""
    if subsets == 0:
        return grid.tokens()
    fewer = restoration_point / subsets
    return round(fewer * grid.tokens(mask) + (1 - fewer) * grid.tokens())
