"""`Detections` to and from those of supervision (extra `supervision`), for its annotators, trackers and sinks."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from foveate.core import Detections, FoveateError, InputError

NAME = "class_name"
"""Where supervision and its connectors keep names of classes."""


def to_supervision(found: Detections, *, track_ids: Sequence[int] | None = None) -> Any:
    """A `supervision.Detections` with scores, class ids and names. Raises `FoveateError` without supervision."""
    supervision = _import_supervision()
    names = np.array([found.class_names[k] for k in found.class_id], dtype=str)
    return supervision.Detections(
        xyxy=found.boxes.astype(np.float32),
        confidence=found.scores.astype(np.float32),
        class_id=found.class_id.astype(int),
        tracker_id=None if track_ids is None else np.array(track_ids, int),
        data={NAME: names},
    )


def from_supervision(found: Any, class_names: Sequence[str]) -> Detections:
    """The boxes of a `supervision.Detections`; scores that it lacks are 1.

    Classes go by name where it carries names, else by number. Raises `InputError` on a name that is not among
    `class_names`, or where it has neither.
    """
    names = tuple(class_names)
    boxes = np.asarray(found.xyxy, np.float32).reshape(-1, 4)
    scores = np.ones(len(boxes), np.float32) if found.confidence is None else found.confidence
    return Detections(boxes=boxes, scores=scores, class_id=_class_ids(found, names, len(boxes)), class_names=names)


def _class_ids(found: Any, names: tuple[str, ...], count: int) -> np.ndarray:
    if not count:
        return np.zeros(0, np.int32)
    given = found.data.get(NAME) if found.data else None
    if given is not None:
        if unknown := sorted({str(name) for name in given} - set(names)):
            raise InputError(f"classes must be among {', '.join(names)}, got {', '.join(unknown)}")
        return np.array([names.index(str(name)) for name in given], np.int32)
    if found.class_id is None:
        raise InputError("detections of supervision need class ids or class names, got neither")
    return np.asarray(found.class_id, np.int32)


def _import_supervision() -> Any:
    try:
        import supervision  # noqa: PLC0415  # only who exchanges detections needs it
    except ImportError as error:
        raise FoveateError("this needs supervision: pip install 'foveate[supervision]'") from error
    return supervision
