"""What an offload brings: bytes and detections of a frame under a plan, computed once and kept on disk.

Sizes and results depend on the clip, the frame, the plan and the weights alone, not on networks or policies: every
later simulation of the same clip finds them, also one that runs at the same time.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np

from foveate.codec import EncodedFrame, decode_frame, encode_frame, scaled_to
from foveate.core import Detections, OffloadPlan, Pixels, RegionGrid, foveate_home
from foveate.evaluation.record_file import RecordFile
from foveate.network.messages import pack_mask
from foveate.server import DetectorLike

VERSION = 1
"""Of records on disk; raised whenever codec or model code changes what comes out."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """Of one offload."""

    full_bytes: int
    """Length of the JPEG of full-resolution regions, or of all."""
    low_bytes: int
    """Length of the JPEG of downsampled regions; 0 without one."""
    detections: Detections
    """In pixels of the picture that was sent, above the server's threshold."""

    @property
    def encoded(self) -> EncodedFrame:
        """A stand-in of the right lengths."""
        return EncodedFrame(full=bytes(self.full_bytes), low=bytes(self.low_bytes))


class _Record(msgspec.Struct, frozen=True, array_like=True):
    key: bytes
    full_bytes: int
    low_bytes: int
    boxes: bytes
    scores: bytes
    class_id: bytes


class Outcomes:
    """Outcomes of one clip under one model. Use as a context manager; processes share them through the disk.

    `load` makes the detector, only if something must be computed; `pixels` gives the frame at a file position.
    """

    def __init__(
        self,
        *,
        clip_sha256: str,
        weights_hash: str,
        class_names: tuple[str, ...],
        score_threshold: float,
        load: Callable[[], DetectorLike],
    ) -> None:
        self.computed = 0
        """How many were not on disk."""
        self._class_names, self._threshold, self._load = class_names, score_threshold, load
        self._detector: DetectorLike | None = None
        name = msgspec.json.encode([VERSION, clip_sha256, weights_hash, list(class_names), score_threshold])
        path = foveate_home() / "outcomes" / f"{hashlib.sha256(name).hexdigest()[:24]}.msgpack"
        self._records = RecordFile(path, _Record)

    def get(self, position: int, plan: OffloadPlan, grid: RegionGrid, pixels: Callable[[], Pixels]) -> Outcome:
        """The outcome of sending the frame at `position` of the file; `grid` is that of the picture sent."""
        key = _key(position, plan, grid)
        record = self._records.get_or_make(key, lambda: self._compute(key, plan, grid, pixels()))
        return Outcome(
            full_bytes=record.full_bytes,
            low_bytes=record.low_bytes,
            detections=Detections(
                boxes=np.frombuffer(record.boxes, "<f4").reshape(-1, 4),
                scores=np.frombuffer(record.scores, "<f4"),
                class_id=np.frombuffer(record.class_id, "<i4"),
                class_names=self._class_names,
            ),
        )

    def close(self) -> None:
        """Let go of the file."""
        self._records.close()

    def __enter__(self) -> "Outcomes":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _compute(self, key: bytes, plan: OffloadPlan, grid: RegionGrid, pixels: Pixels) -> _Record:
        self._detector = self._load() if self._detector is None else self._detector
        self.computed += 1
        encoded = encode_frame(
            scaled_to(pixels, grid),
            grid=grid,
            mask=plan.downsampling_mask,
            blank=plan.blank_mask,
            quality=plan.jpeg_quality,
            one_picture=plan.one_picture,
        )
        mixed = decode_frame(encoded, grid=grid, mask=plan.downsampling_mask)
        found = self._detector.detect_batch([mixed], None, [plan.restoration_point], score_threshold=self._threshold)[0]
        return _Record(
            key=key,
            full_bytes=len(encoded.full),
            low_bytes=len(encoded.low),
            boxes=found.boxes.astype("<f4").tobytes(),
            scores=found.scores.astype("<f4").tobytes(),
            class_id=found.class_id.astype("<i4").tobytes(),
        )


def _key(position: int, plan: OffloadPlan, grid: RegionGrid) -> bytes:
    parts: list[int | bytes | str] = [
        position,
        grid.height,
        grid.width,
        pack_mask(plan.downsampling_mask),
        pack_mask(plan.blank_mask),
        plan.jpeg_quality,
        plan.restoration_point if plan.downsampled_regions else 0,
    ]
    if plan.one_picture and plan.downsampled_regions:
        parts.append("one picture")
    return hashlib.sha256(msgspec.msgpack.encode(parts)).digest()[:16]
