"""Decodes frames, runs batches of them through a detector, and measures both."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from foveate.codec import EncodedFrame, decode_frame
from foveate.core import Clock, Detections, Mask, MixedFrame, Pixels, RegionGrid
from foveate.network.messages import PartsOffload, Welcome, unpack_mask
from foveate.server.cuts import MERGE_IOU, Cut, merged, mixed_cuts, part_cuts
from foveate.server.work import Batch, Work

GROUP_TOKENS = 112 * 1024
"""Most tokens, padded to whole regions, that a model sees in one call, but for a picture that has more; they bound its
memory. The slices of 1024 pixels of the largest frame, 103,680 tokens, go together; those of 4K are 77,760."""


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
    """Tiles to boxes, of the whole batch, seconds."""
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


@dataclass(frozen=True, kw_only=True, eq=False)
class DecodedFrame:
    """What the decoder made of one offload."""

    cuts: Sequence[Cut]
    """What the model sees of it, at least one picture."""
    decode_s: float
    """How long that took, seconds."""
    frame: MixedFrame | None = None
    """The whole frame; None where it was sent in parts."""
    merge_iou: float = MERGE_IOU
    """Of boxes of different pictures."""


class Engine:
    """Detectors, and a clock that durations are read from. Decoding and inference may run side by side."""

    def __init__(self, detectors: Sequence[DetectorLike], *, clock: Clock) -> None:
        self._detectors = {detector.name: detector for detector in detectors}
        self._clock = clock

    def decode(self, work: Work) -> DecodedFrame:
        """JPEGs -> pictures. Raises `CodecError`, `ProtocolError` or `InputError` on what cannot be a frame."""
        started_at, offload = self._clock.now(), work.offload
        if isinstance(offload, PartsOffload):
            cuts = part_cuts(offload)
            return DecodedFrame(cuts=cuts, decode_s=self._clock.now() - started_at, merge_iou=offload.merge_iou)
        grid = self._detectors[work.model].region_grid(offload.height, offload.width)
        encoded = EncodedFrame(full=offload.full, low=offload.low)
        frame = decode_frame(encoded, grid=grid, mask=unpack_mask(offload.mask, grid))
        cuts = mixed_cuts(frame, offload.slice_regions) if offload.slice_regions else [Cut(picture=frame)]
        return DecodedFrame(cuts=cuts, decode_s=self._clock.now() - started_at, frame=frame)

    def infer(self, batch: Batch[DecodedFrame]) -> list[Inferred | Exception]:
        """Run a batch -> the outcome of each frame, in order; a frame that the model fails on does not fail the others.

        `inference_s` of each is the time that the whole batch took: for so long every one of its frames was in the
        model, and none was answered before.
        """
        started_at = self._clock.now()
        outcomes = self._detect_or_part(batch.model, batch.works, batch.decoded)
        inference_s = self._clock.now() - started_at
        return [
            outcome if isinstance(outcome, Exception) else _inferred(work, decoded, outcome, inference_s, len(outcomes))
            for work, decoded, outcome in zip(batch.works, batch.decoded, outcomes, strict=True)
        ]

    def _detect_or_part(
        self, model: str, works: Sequence[Work], frames: Sequence[DecodedFrame]
    ) -> list[Detections | Exception]:
        """Detections of all; if that fails, of each alone, so that the one that is to blame is found."""
        try:
            return [*self._detect(model, works, frames)]
        except Exception as error:  # whatever a model raises, a server outlives it
            if len(works) == 1:
                return [error]
        return [
            outcome
            for work, frame in zip(works, frames, strict=True)
            for outcome in self._detect_or_part(model, [work], [frame])
        ]

    def _detect(self, model: str, works: Sequence[Work], frames: Sequence[DecodedFrame]) -> list[Detections]:
        thresholds = [work.offload.score_threshold for work in works]
        pictures = [cut.picture for frame in frames for cut in frame.cuts]
        points = [work.offload.restoration_point for work, frame in zip(works, frames, strict=True) for _ in frame.cuts]
        # What scores less never suppresses what scores more: cutting afterwards gives each what it would get alone.
        found = iter(_detect_in_groups(self._detectors[model], pictures, points, min(thresholds)))
        return [
            merged(frame.cuts, list(islice(found, len(frame.cuts))), frame.merge_iou).above(least)
            for frame, least in zip(frames, thresholds, strict=True)
        ]


def _detect_in_groups(
    detector: DetectorLike, pictures: Sequence[Pixels | MixedFrame], points: Sequence[int], threshold: float
) -> list[Detections]:
    """What `detect_batch` finds in each picture, in calls of at most `GROUP_TOKENS`."""
    tokens = [_padded_tokens(detector, picture) for picture in pictures]
    return [
        found
        for group in _groups(tokens, GROUP_TOKENS)
        for found in detector.detect_batch(pictures[group], None, points[group], score_threshold=threshold)
    ]


def _padded_tokens(detector: DetectorLike, picture: Pixels | MixedFrame) -> int:
    grid = picture.grid if isinstance(picture, MixedFrame) else detector.region_grid(*picture.shape[:2])
    return len(grid) * grid.region_size**2


def _groups(sizes: Sequence[int], most: int) -> Iterator[slice]:
    """Neighbours that are at most `most` together; what is larger is alone."""
    start = total = 0
    for place, size in enumerate(sizes):
        if total and total + size > most:
            yield slice(start, place)
            start, total = place, 0
        total += size
    yield slice(start, len(sizes))


def _inferred(work: Work, decoded: DecodedFrame, found: Detections, inference_s: float, batch_size: int) -> Inferred:
    return Inferred(
        detections=found,
        decode_s=decoded.decode_s,
        inference_s=inference_s,
        model=work.model,
        frame=decoded.frame,
        batch_size=batch_size,
        tokens=work.tokens,
        full_tokens=work.full_tokens,
    )


def welcome_of(detector: DetectorLike, models: Sequence[str] = ()) -> Welcome:
    """A detector, described for devices; `models`: all that run beside it, itself included."""
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
        models=list(models) or [detector.name],
    )
