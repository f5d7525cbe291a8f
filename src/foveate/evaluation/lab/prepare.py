"""What cells of one clip share, made before they run: facts, grey frames, the model's own answers."""

import hashlib
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import msgspec

from foveate.codec import VideoReader
from foveate.evaluation.answers import Answers
from foveate.evaluation.greys import Greys, greys_of
from foveate.evaluation.lab.cell import sha256_of
from foveate.evaluation.lab.models import LoadByName, loader
from foveate.evaluation.lab.references import annotations_digest, independent_truths
from foveate.evaluation.lab.segment import FramesByPosition
from foveate.evaluation.truth import TruthKey
from foveate.network.messages import Welcome
from foveate.server import DetectorLike


class ClipFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A video file, looked into."""

    sha256: str
    truths: str
    """Digest of the annotations beside it."""
    size: tuple[int, int]
    """`(height, width)`, pixels."""
    fps: float
    frames: int
    """That can be decoded."""


def clip_facts(video: Path) -> ClipFacts:
    """Look into a clip and make its grey frames, whose number is that of frames that can be decoded.

    Raises `MediaError` for a file that is no video, or truth beside it that is none of it.
    """
    digest = sha256_of(video)
    greys = shared_greys(video, digest)
    with VideoReader(video) as reader:
        size, fps = reader.size, reader.fps
    independent_truths(video, size=size)  # or every cell would find out what is wrong with them when it is scored
    return ClipFacts(sha256=digest, truths=annotations_digest(video), size=size, fps=fps, frames=len(greys))


def announced(video: Path) -> ClipFacts:
    """As the file says, for plans; frames are counted where it does not say. Raises `MediaError` as `clip_facts`."""
    with VideoReader(video) as reader:
        size, fps = reader.size, reader.fps
        frames = reader.frame_count or sum(1 for _ in reader)
    independent_truths(video, size=size)
    return ClipFacts(sha256=sha256_of(video), truths=annotations_digest(video), size=size, fps=fps, frames=frames)


def counted(video: Path, seconds: float) -> ClipFacts:
    """As the file says, but frames are counted as far as `seconds` of the clip need them. Raises `MediaError`."""
    facts = announced(video)
    wanted = max(1, round(seconds * facts.fps))
    with VideoReader(video) as reader:
        found = sum(1 for _ in islice(reader, wanted + 1))
    return msgspec.structs.replace(facts, frames=found if found <= wanted else max(found, facts.frames))


def shared_greys(video: Path, sha256: str) -> Greys:
    """Grey frames from the disk, or made now."""
    return greys_of(video, sha256, _silent)


def answer_key(sha256: str, welcome: Welcome) -> TruthKey:
    """Under which answers of a model on a clip are kept."""
    return TruthKey(
        video_sha256=sha256,
        model=welcome.model,
        weights_hash=welcome.weights_hash,
        score_threshold=welcome.score_threshold,
        class_names=tuple(welcome.class_names),
    )


def missing_answers(video: Path, key: TruthKey, positions: Sequence[int]) -> list[int]:
    """Which frames the model has not seen yet."""
    with Answers(video, key, _never) as answers:
        return answers.missing(positions)


def compute_answers(video: Path, key: TruthKey, positions: Sequence[int], load: LoadByName, model: str) -> int:
    """Let the model see these frames at full resolution; how many were new."""
    with Answers(video, key, loader(load, model)) as answers, FramesByPosition(video) as frames:
        for position in positions:
            answers.get(position, lambda at=position: frames.at(at))  # type: ignore[misc]  # bound at once
        return answers.computed


def digest_of(text: bytes) -> str:
    """Of content that is no file."""
    return hashlib.sha256(text).hexdigest()


def _silent(done: int) -> None:
    """Nobody watches."""


def _never() -> DetectorLike:
    raise AssertionError("looking for answers computes nothing")
