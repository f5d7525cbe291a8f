"""What a model could show of a clip at best, and how steady it is: the scale on which runs are to be read."""

from pathlib import Path

import msgspec

from foveate.core import Detections
from foveate.evaluation.answers import Answers
from foveate.evaluation.lab.cell import Cell
from foveate.evaluation.lab.frame_scores import f1_of, scored_frames
from foveate.evaluation.lab.models import LoadByName, describe, loader
from foveate.evaluation.lab.prepare import answer_key
from foveate.evaluation.lab.references import Reference, references_of
from foveate.evaluation.lab.segment import FramesByPosition, Segment
from foveate.metrics import F1Counter


class ClipQuality(msgspec.Struct, frozen=True, kw_only=True):
    """Of one model on one clip, over the frames that cells play."""

    ceiling_exact: float | None
    """F1 of full-resolution inference on every frame against exact truth; None without it."""
    agreement_pseudo: float | None
    """F1 of the same against the boxes of an independent detector; None without them."""
    flicker: float
    """1 - F1 of each frame's answer taken for the next frame: what changes from frame to frame."""
    motion: float | None
    """1 - F1 of exact truth taken for the next frame: the part of it that the scene explains."""


def clip_quality(cell: Cell, load: LoadByName) -> ClipQuality:
    """Of the clip and the model of a cell."""
    welcome = describe(load, cell.model.name)
    key, video = answer_key(cell.clip.sha256, welcome), Path(cell.clip.path)
    with Segment(video, frames=cell.clip.frames, seconds=cell.seconds) as clip:
        positions, size = sorted(set(clip.order or ())), clip.size
    with Answers(video, key, loader(load, cell.model.name)) as answers, FramesByPosition(video) as frames:
        own = {p: answers.get(p, lambda at=p: frames.at(at)) for p in positions}  # type: ignore[misc]  # bound at once
    references = references_of(video, answers=own, size=size)
    by_name = {reference.name: reference for reference in references}
    scored = scored_frames(own.items(), references, lambda position: position)
    return ClipQuality(
        ceiling_exact=f1_of(scored, "exact"),
        agreement_pseudo=f1_of(scored, "pseudo"),
        flicker=_change(by_name["model"]),
        motion=_change(by_name["exact"]) if "exact" in by_name else None,
    )


def _change(reference: Reference) -> float:
    """1 - F1 of each frame's objects as a prediction of the next frame's."""
    counter = F1Counter()
    for position, truth in reference.truths.items():
        following = reference.truths.get(position + 1)
        if following is not None:
            before: Detections = truth.detections
            counter.add(before, following.detections, ignore=following.ignore, ignore_class=following.ignore_class)
    return 1 - counter.f1
