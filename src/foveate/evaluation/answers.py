"""The model's own full-resolution answer on single frames of a clip: what runs are scored against, frame by frame.

`truth.py` keeps whole clips in one file; an experiment needs parts of long clips, computed by many processes.
"""

import hashlib
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path

import msgspec
import numpy as np

from foveate.core import Detections, Pixels, foveate_home
from foveate.evaluation.record_file import RecordFile
from foveate.evaluation.truth import TruthKey, known_truth
from foveate.server import DetectorLike


class _Answer(msgspec.Struct, frozen=True, array_like=True):
    position: int
    boxes: bytes
    scores: bytes
    class_id: bytes

    @property
    def key(self) -> bytes:
        return _key(self.position)


class Answers:
    """Of one clip under one model. Use as a context manager; processes share what they compute."""

    def __init__(self, video: Path, key: TruthKey, load: Callable[[], DetectorLike]) -> None:
        self.computed = 0
        """How many were not on disk."""
        self._key, self._load = key, load
        self._whole = _whole_clip(video, key, foveate_home())
        name = hashlib.sha256(msgspec.json.encode(["answers", key])).hexdigest()[:24]
        self._records = RecordFile(foveate_home() / "answers" / f"{name}.msgpack", _Answer)

    def missing(self, positions: Iterable[int]) -> list[int]:
        """Which of them would have to be computed."""
        if self._whole is not None:
            return []
        return [position for position in positions if self._records.get(_key(position)) is None]

    def get(self, position: int, pixels: Callable[[], Pixels]) -> Detections:
        """The answer on the frame at a file position; `pixels` gives the frame, if it must be computed."""
        if self._whole is not None:
            return self._whole[position]
        found = self._records.get_or_make(_key(position), lambda: self._compute(position, pixels()))
        return Detections(
            boxes=np.frombuffer(found.boxes, "<f4").reshape(-1, 4),
            scores=np.frombuffer(found.scores, "<f4"),
            class_id=np.frombuffer(found.class_id, "<i4"),
            class_names=self._key.class_names,
        )

    def __enter__(self) -> "Answers":
        return self

    def __exit__(self, *error: object) -> None:
        self._records.close()

    def _compute(self, position: int, pixels: Pixels) -> _Answer:
        self.computed += 1
        found = self._load().detect_batch([pixels])[0]
        return _Answer(
            position=position,
            # Rounded as in a file of a whole clip: cell and run are scored against the same numbers.
            boxes=np.round(found.boxes.astype(float), 2).astype("<f4").tobytes(),
            scores=np.round(found.scores.astype(float), 4).astype("<f4").tobytes(),
            class_id=found.class_id.astype("<i4").tobytes(),
        )


@lru_cache(maxsize=2)
def _whole_clip(video: Path, key: TruthKey, _home: Path) -> list[Detections] | None:
    # Another home is another cache.
    return known_truth(video, key)


def _key(position: int) -> bytes:
    # The low byte first: neighbours, which different processes compute at once, have different locks.
    return position.to_bytes(4, "little")
