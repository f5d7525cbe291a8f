"""What a run is scored against: the model's own full-resolution results, and exact truth where it exists.

A model's results on a clip are computed once and kept under `$FOVEATE_HOME/truth`. The same file, laid beside a clip
as `NAME.truth.json`, spares everybody else the work; it counts only for the very clip and weights it was made with.
"""

import hashlib
import logging
import math
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from foveate.codec import VideoReader
from foveate.core import Detections, FoveateError, foveate_home
from foveate.core.whole_files import whole_file
from foveate.evaluation.clip_frames import frames_of
from foveate.metrics import Truth, read_coco, with_ignore_rules
from foveate.network.messages import Welcome
from foveate.server import DetectorLike

_LOG = logging.getLogger(__name__)

_CHECKPOINT_S = 60.0
"""An interrupted computation loses at most this much."""

Progress = Callable[[int], None]
"""Called with the number of frames that are done."""


class TruthKey(msgspec.Struct, frozen=True, kw_only=True):
    """All that the results depend on."""

    video_sha256: str
    model: str
    weights_hash: str
    score_threshold: float
    class_names: tuple[str, ...]

    @property
    def file_name(self) -> str:
        """Of the cache file."""
        digest = hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:16]
        return f"{self.video_sha256[:16]}-{digest}.json"


class _Frame(msgspec.Struct, frozen=True):
    boxes: list[tuple[float, float, float, float]]
    scores: list[float]
    class_id: list[int]


class _File(msgspec.Struct, kw_only=True):
    key: TruthKey
    complete: bool
    frames: list[_Frame]


def truth_key(video: Path, welcome: Welcome) -> TruthKey:
    """The key of a clip and of the model that a server runs."""
    with video.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return TruthKey(
        video_sha256=digest,
        model=welcome.model,
        weights_hash=welcome.weights_hash,
        score_threshold=welcome.score_threshold,
        class_names=tuple(welcome.class_names),
    )


def model_truth(video: Path, key: TruthKey, load: Callable[[], DetectorLike], progress: Progress) -> list[Detections]:
    """The model's full-resolution result on every frame of the file, from a cache or computed now.

    `load` is called only if something is left to compute; a computation that was stopped goes on where it was. Where
    the cache cannot be written, a warning is logged, and the results serve this once.
    """
    cache = foveate_home() / "truth" / key.file_name
    for path in (video.with_suffix(".truth.json"), cache):
        known = _read(path, key)
        if known is not None and known.complete:
            break
    else:
        known = _compute(video, known or _File(key=key, complete=False, frames=[]), load, cache, progress)
    progress(len(known.frames))
    return [_detections(frame, key) for frame in known.frames]


def known_truth(video: Path, key: TruthKey) -> list[Detections] | None:
    """The model's results on every frame, if they lie beside the clip or in the cache; nothing is computed."""
    for path in (video.with_suffix(".truth.json"), foveate_home() / "truth" / key.file_name):
        content = _read(path, key)
        if content is not None and content.complete:
            return [_detections(frame, key) for frame in content.frames]
    return None


def exact_truth(video: Path, *, size: tuple[int, int]) -> dict[int, Truth] | None:
    """Truth of a rendered clip by file position, from `NAME.json` beside it. `size`: the clip's `(height, width)`.

    None where there is no such file, or where none of its pictures is a frame of a clip. Raises `MediaError` for a
    file that is no COCO file, or whose boxes are for frames of another size or of several other clips.
    """
    path = video.with_suffix(".json")
    if not path.is_file():
        return None
    found = {
        position: with_ignore_rules(image.truth, frame_height=size[0])
        for position, image in frames_of(read_coco(path), annotations=path, clip=video, size=size)
    }
    return found or None


def _read(path: Path, key: TruthKey) -> _File | None:
    try:
        content = msgspec.json.decode(path.read_bytes(), type=_File)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None  # absent or torn: it is computed again
    return content if content.key == key else None


def _write(path: Path, content: _File) -> None:
    with whole_file(path) as draft:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(msgspec.json.encode(content))


def _kept(cache: Path, content: _File) -> bool:
    """Results that took hours are not thrown away for want of a place to keep them."""
    try:
        _write(cache, content)
    except FoveateError as error:
        _LOG.warning("the truth is not kept: %s", error)
        return False
    return True


def _compute(video: Path, content: _File, load: Callable[[], DetectorLike], cache: Path, progress: Progress) -> _File:
    detector, saved_at = load(), time.monotonic()
    with VideoReader(video) as reader:
        for position, pixels in enumerate(reader):
            if position < len(content.frames):
                continue
            content.frames.append(_frame(detector.detect_batch([pixels])[0]))
            progress(position + 1)
            if time.monotonic() - saved_at > _CHECKPOINT_S:
                saved_at = time.monotonic() if _kept(cache, content) else math.inf
    content.complete = True
    _kept(cache, content)
    return content


def _frame(detections: Detections) -> _Frame:
    """Rounded far below what matching can tell apart: files stay small, and cached truth equals fresh truth."""
    return _Frame(
        boxes=np.round(detections.boxes.astype(float), 2).tolist(),
        scores=np.round(detections.scores.astype(float), 4).tolist(),
        class_id=detections.class_id.tolist(),
    )


def _detections(frame: _Frame, key: TruthKey) -> Detections:
    return Detections(
        boxes=np.array(frame.boxes, np.float32),
        scores=np.array(frame.scores, np.float32),
        class_id=np.array(frame.class_id, np.int32),
        class_names=key.class_names,
    )
