"""What the frames of a cell are scored against: the model's own answer, exact truth, an independent detector."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from foveate.core import Detections
from foveate.evaluation.clip_frames import frames_of
from foveate.evaluation.lab.cell import sha256_of
from foveate.evaluation.truth import exact_truth
from foveate.metrics import Truth, read_coco, with_ignore_rules

PSEUDO_SCORE = 0.35
"""Least score of a pseudo box that counts."""
REFERENCES = ("model", "exact", "pseudo")
"""Names in tables: the model's own full-resolution result, exact truth of rendered clips, boxes of another detector."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Reference:
    """Truth of the frames that a cell plays, by file position."""

    name: str
    """One of `REFERENCES`."""
    truths: Mapping[int, Truth]


def references_of(video: Path, *, answers: Mapping[int, Detections], size: tuple[int, int]) -> list[Reference]:
    """All that cover a frame of those played; `answers`: the model's own by file position; `size`: of the clip."""
    own = {
        position: with_ignore_rules(Truth(detections=answer), frame_height=size[0])
        for position, answer in answers.items()
    }
    found = [Reference(name="model", truths=own)]
    for name, truths in independent_truths(video, size=size).items():
        if played := {p: truths[p] for p in own if p in truths}:
            found.append(Reference(name=name, truths=played))
    return found


def independent_truths(video: Path, *, size: tuple[int, int]) -> dict[str, dict[int, Truth]]:
    """Truths beside a clip that no model of ours made, by their name in `REFERENCES` and by file position.

    `size`: the clip's `(height, width)`. Raises `MediaError` for files that are no COCO files, or whose boxes are for
    frames of another size or of several other clips.
    """
    found = (("exact", _exact(video, size)), ("pseudo", _pseudo(video, size)))
    return {name: truths for name, truths in found if truths is not None}


def annotations_digest(video: Path) -> str:
    """Of the annotation files beside a clip; a changed file is another truth."""
    return "+".join(sha256_of(path)[:16] if path.is_file() else "-" for path in _files(video))


def _files(video: Path) -> tuple[Path, Path]:
    return video.with_suffix(".json"), video.with_suffix(".pseudo.json")


@lru_cache(maxsize=2)
def _exact(video: Path, size: tuple[int, int]) -> dict[int, Truth] | None:
    return exact_truth(video, size=size)


@lru_cache(maxsize=2)
def _pseudo(video: Path, size: tuple[int, int]) -> dict[int, Truth] | None:
    path = _files(video)[1]
    if not path.is_file():
        return None
    found = {
        position: with_ignore_rules(_sure(image.truth), frame_height=size[0])
        for position, image in frames_of(read_coco(path), annotations=path, clip=video, size=size)
    }
    return found or None


def _sure(truth: Truth) -> Truth:
    return truth.select(truth.detections.scores >= PSEUDO_SCORE)


def main_reference(references: Sequence[Reference]) -> Reference:
    """What objects are told by: exact truth where there is any, else the model's own answer."""
    return next((reference for reference in references if reference.name == "exact"), references[0])


def sides(truth: Truth, frame_height: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Square root of the area of each object `(n,)`, pixels of a 1080p frame."""
    boxes = truth.detections.boxes.astype(np.float64)
    area = np.maximum(boxes[:, 2:] - boxes[:, :2], 0).prod(axis=1)
    return np.asarray(np.sqrt(area) * (1080 / frame_height))
