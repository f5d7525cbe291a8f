"""What looks and offloads of answered frames bring: computed once, kept on disk (see `outcomes.py`)."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from foveate.codec import EncodedFrame, EncodedPart, EncodedParts, encode_plan
from foveate.core import (
    Detections,
    Frame,
    Look,
    Looker,
    LookPlan,
    ManualClock,
    OffloadPlan,
    Pixels,
    RegionGrid,
    View,
    foveate_home,
)
from foveate.device.flight import Flight
from foveate.device.parcels import offload_message
from foveate.evaluation.record_file import RecordFile
from foveate.network.messages import pack_mask
from foveate.server import DetectorLike, Engine, Work
from foveate.server.work import Batch

VERSION = 1
"""Of records on disk; raised whenever codec, model or look code changes what comes out."""


class _LookRecord(msgspec.Struct, frozen=True, array_like=True):
    key: bytes
    boxes: bytes
    scores: bytes
    class_id: bytes
    rows: int
    """Of the class map; 0 = there is none."""
    classes: bytes
    thumbnail_bytes: int


class Looks:
    """What a device's model sees in a clip. A context manager; processes share what they compute.

    `load` makes the looker, only if something must be computed. `model_key`: changes whenever its results may.
    """

    def __init__(
        self, *, clip_sha256: str, model_key: str, class_names: tuple[str, ...], load: Callable[[], Looker]
    ) -> None:
        self.computed = 0
        """How many were not on disk."""
        self._class_names, self._load = class_names, load
        self._looker: Looker | None = None
        self._records = RecordFile(_path("looks", [VERSION, clip_sha256, model_key, class_names]), _LookRecord)

    def get(self, position: int, plan: LookPlan, pixels: Callable[[], Pixels]) -> Look:
        """The look at the frame at `position` of the file."""
        key = _digest([position, [_view_key(view) for view in plan.views], plan.importance])
        record = self._records.get_or_make(key, lambda: self._compute(key, plan, pixels()))
        classes = None
        if record.rows:
            classes = np.frombuffer(record.classes, np.uint8).reshape(record.rows, -1)
        return Look(
            detections=_detections(record, self._class_names),
            importance_class=classes,
            thumbnail_bytes=record.thumbnail_bytes,
        )

    def __enter__(self) -> "Looks":
        return self

    def __exit__(self, *error: object) -> None:
        self._records.close()

    def _compute(self, key: bytes, plan: LookPlan, pixels: Pixels) -> _LookRecord:
        self._looker = self._load() if self._looker is None else self._looker
        self.computed += 1
        look = self._looker(pixels, plan)
        classes = look.importance_class
        return _LookRecord(
            key=key,
            **_arrays(look.detections),
            rows=0 if classes is None else classes.shape[0],
            classes=b"" if classes is None else classes.tobytes(),
            thumbnail_bytes=look.thumbnail_bytes,
        )


class _SizeRecord(msgspec.Struct, frozen=True, array_like=True):
    key: bytes
    sizes: list[int]
    """Of the pictures that are sent."""


class _OffloadRecord(msgspec.Struct, frozen=True, array_like=True):
    key: bytes
    boxes: bytes
    scores: bytes
    class_id: bytes
    sizes: list[int]
    """Of the pictures that were sent."""


class AnswerOutcomes:
    """What offloads of a clip take, and what the cloud answers: encoded, sent and inferred as a live run does it.

    A context manager; processes share what they compute. Bytes come without an inference, for many results come too
    late for anybody to see them.
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
        """How many inferences were not on disk."""
        self._class_names, self._threshold, self._load = class_names, score_threshold, load
        self._engine: Engine | None = None
        self._model = ""
        name = [VERSION, clip_sha256, weights_hash, class_names, score_threshold]
        self._records = RecordFile(_path("clouds", name), _OffloadRecord)
        self._sizes = RecordFile(_path("sizes", [VERSION, clip_sha256]), _SizeRecord)

    def encoded(
        self, position: int, plan: OffloadPlan, grid: RegionGrid, pixels: Callable[[], Pixels]
    ) -> EncodedFrame | EncodedParts:
        """Stand-ins of the right lengths for what a plan sends of the frame at `position` of the file."""
        key = _offload_key(position, plan, grid)
        known = self._records.get(key)
        if known is not None:
            return _stand_in(plan, grid, known.sizes)

        def make() -> _SizeRecord:
            return _SizeRecord(key=key, sizes=_sizes(encode_plan(pixels(), grid=grid, plan=plan)))

        return _stand_in(plan, grid, self._sizes.get_or_make(key, make).sizes)

    def found(self, position: int, plan: OffloadPlan, grid: RegionGrid, pixels: Callable[[], Pixels]) -> Detections:
        """The cloud's result."""
        key = _offload_key(position, plan, grid)
        record = self._records.get_or_make(key, lambda: self._compute(key, plan, grid, pixels()))
        return _detections(record, self._class_names)

    def __enter__(self) -> "AnswerOutcomes":
        return self

    def __exit__(self, *error: object) -> None:
        self._records.close()
        self._sizes.close()

    def _compute(self, key: bytes, plan: OffloadPlan, grid: RegionGrid, pixels: Pixels) -> _OffloadRecord:
        if self._engine is None:
            self._engine = Engine([detector := self._load()], clock=ManualClock())
            self._model = detector.name
        self.computed += 1
        encoded = encode_plan(pixels, grid=grid, plan=plan)
        frame = Frame(pixels=pixels, index=0, captured_at=0.0)
        flight = Flight(offload_id=0, frame=frame, plan=plan, started_at=0.0)
        message = offload_message(flight, encoded, grid=grid, score_threshold=self._threshold, patience_s=0.0)
        work = Work(client=b"", model=self._model, offload=message, tokens=0, full_tokens=0)
        decoded = self._engine.decode(work)
        (outcome,) = self._engine.infer(Batch(model=self._model, works=(work,), decoded=(decoded,)))
        if isinstance(outcome, Exception):
            raise outcome
        return _OffloadRecord(key=key, **_arrays(outcome.detections), sizes=_sizes(encoded))


def _path(folder: str, name: list[object]) -> Path:
    return foveate_home() / folder / f"{hashlib.sha256(msgspec.json.encode(name)).hexdigest()[:24]}.msgpack"


def _digest(parts: list[object]) -> bytes:
    return hashlib.sha256(msgspec.msgpack.encode(parts)).digest()[:16]


def _view_key(view: View) -> list[float]:
    return [view.top, view.left, view.bottom, view.right, view.scale]


def _offload_key(position: int, plan: OffloadPlan, grid: RegionGrid) -> bytes:
    return _digest([position, grid.height, grid.width, *_plan_key(plan)])


def _plan_key(plan: OffloadPlan) -> list[object]:
    """All that bytes and results of a plan depend on."""
    slicing = plan.slicing
    return [
        pack_mask(plan.downsampling_mask),
        plan.restoration_point if plan.downsampled_regions else 0,
        0 if plan.class_qualities else plan.jpeg_quality,
        b"" if plan.importance_class is None else hashlib.sha256(plan.importance_class.tobytes()).digest(),
        list(plan.class_qualities),
        [_view_key(view) for view in plan.views],
        [] if slicing is None else [slicing.side, slicing.overlap, slicing.merge_iou],
    ]


def _sizes(encoded: EncodedFrame | EncodedParts) -> list[int]:
    if isinstance(encoded, EncodedFrame):
        return [len(encoded.full), len(encoded.low)]
    return [len(part.data) for part in encoded.parts]


def _stand_in(plan: OffloadPlan, grid: RegionGrid, sizes: list[int]) -> EncodedFrame | EncodedParts:
    if not plan.in_parts:
        return EncodedFrame(full=bytes(sizes[0]), low=bytes(sizes[1]))
    views = plan.views or (View.whole((grid.height, grid.width)),)
    by_class = bool(plan.class_qualities)
    return EncodedParts(
        parts=tuple(
            EncodedPart(view=view, data=bytes(size), by_class=by_class) for view, size in zip(views, sizes, strict=True)
        )
    )


def _arrays(found: Detections) -> dict[str, bytes]:
    return {
        "boxes": found.boxes.astype("<f4").tobytes(),
        "scores": found.scores.astype("<f4").tobytes(),
        "class_id": found.class_id.astype("<i4").tobytes(),
    }


def _detections(record: _LookRecord | _OffloadRecord, class_names: tuple[str, ...]) -> Detections:
    return Detections(
        boxes=np.frombuffer(record.boxes, "<f4").reshape(-1, 4),
        scores=np.frombuffer(record.scores, "<f4"),
        class_id=np.frombuffer(record.class_id, "<i4"),
        class_names=class_names,
    )
