"""Tracks and detections as MOTChallenge text, both ways.

One line per box: `frame,id,left,top,width,height,conf,class,visibility`; frames and pixels count from 1. Files of
ground truth have the nine columns of MOT16/17/20; results and detections may have the ten of MOT15 (`...,conf,x,y,z`),
whose last three are world coordinates, -1 where there are none. Classes are numbers there and names here: the caller
says which.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from foveate.core import Detections, InputError, MediaError
from foveate.metrics.truth import Truth

MOT_CLASSES: Mapping[int, str] = {
    1: "person",
    2: "person",
    3: "car",
    4: "bicycle",
    5: "motorcycle",
    7: "person",
}
"""MOT16/17/20: pedestrian, person on vehicle, car, bicycle, motorbike, static person."""
_UNKNOWN = -1
_LEAST_SCORE = np.finfo(np.float32).tiny
_MOST = 2.0**53
"""A number from here on is none that a file could mean."""


def write_mot(path: str | Path, frames: Mapping[int, Truth], *, classes: Mapping[int, str] | None = None) -> None:
    """Write frames, by position from 0, as MOTChallenge text. Inverse of `read_mot`, ignored boxes apart.

    Objects without a track get the id -1, and a score of 0, which would mark them as ignored, is written as the least
    positive one. `classes`: number -> name (`MOT_CLASSES`); the first number of a name is
    written. Raises `InputError` on a class without a number, `MediaError` where the disk refuses.
    """
    numbers = _numbers(MOT_CLASSES if classes is None else classes)
    lines = [line for position in sorted(frames) for line in _lines(position + 1, frames[position], numbers)]
    try:
        Path(path).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise MediaError(f"cannot write {path}: {error.strerror}") from error


def read_mot(
    path: str | Path, *, classes: Mapping[int, str] | None = None, class_names: Sequence[str] | None = None
) -> dict[int, Truth]:
    """Frames by position from 0; those without boxes are not in a file.

    `classes`: number -> name (`MOT_CLASSES`); boxes of other numbers, and of ground truth marked 0 ("ignore"), are
    ignored boxes. `class_names`: order of the names in the result; the names of `classes` if None. Files of ten
    columns name no class: all boxes are of the first of `class_names`. Raises `MediaError` naming file and line.
    """
    known = MOT_CLASSES if classes is None else classes
    names = tuple(dict.fromkeys(known.values())) if class_names is None else tuple(class_names)
    if missing := sorted(set(known.values()) - set(names)):
        raise InputError(f"class names must hold all names of the classes, {missing} are not among {names}")
    boxes: dict[int, list[_Box]] = {}
    for number, row in enumerate(_rows(path), 1):
        frame, box = _parsed(row, known, names, where=f"{path}:{number}")
        boxes.setdefault(frame - 1, []).append(box)
    return {frame: _truth(found, names) for frame, found in sorted(boxes.items())}


_Box = tuple[int, tuple[float, float, float, float], float, int | None, float]
"""Track, corners, confidence, class (None: ignored), visible share."""


def _numbers(classes: Mapping[int, str]) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for number, name in classes.items():
        numbers.setdefault(name, number)
    return numbers


def _lines(frame: int, truth: Truth, numbers: Mapping[str, int]) -> Iterable[str]:
    objects = truth.detections
    for index, (box, score, class_id) in enumerate(zip(objects.boxes, objects.scores, objects.class_id, strict=True)):
        name = objects.class_names[class_id]
        if name not in numbers:
            raise InputError(f"MOT text needs a number for class {name!r}; known: {', '.join(numbers)}")
        track = _UNKNOWN if truth.track_ids is None else int(truth.track_ids[index])
        visible = 1.0 if truth.visible is None else float(truth.visible[index])
        x1, y1, x2, y2 = (float(side) for side in box)
        sides = ",".join(f"{value:.9g}" for value in (x1 + 1, y1 + 1, x2 - x1, y2 - y1))
        yield f"{frame},{track},{sides},{score or _LEAST_SCORE!s},{numbers[name]},{visible:.6g}"


def _rows(path: str | Path) -> list[list[str]]:
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise MediaError(
            f"cannot read {path}: {getattr(error, 'strerror', None) or 'it is not a text file'}"
        ) from error
    return [line.split(",") for line in text.splitlines() if line.strip()]


def _parsed(row: list[str], classes: Mapping[int, str], names: tuple[str, ...], *, where: str) -> tuple[int, _Box]:
    try:
        values = [float(value) for value in row]
    except ValueError:
        values = []
    if len(values) not in (7, 8, 9, 10) or not (np.abs(values) < _MOST).all() or values[0] < 1:
        raise MediaError(
            f"{where}: expected frame (from 1), id, left, top, width, height, conf ..., got {','.join(row)}"
        )
    left, top, width, height, confidence = values[2] - 1, values[3] - 1, *values[4:7]
    class_id: int | None = 0
    if len(values) in (8, 9):
        name = classes.get(int(values[7]))
        class_id = None if name is None else names.index(name)
    if len(values) == 9 and confidence == 0:  # ground truth that evaluation leaves out
        class_id = None
    visible = values[8] if len(values) == 9 else 1.0
    return int(values[0]), (int(values[1]), (left, top, left + width, top + height), confidence, class_id, visible)


def _truth(boxes: Sequence[_Box], names: tuple[str, ...]) -> Truth:
    objects = [box for box in boxes if box[3] is not None]
    tracks = [track for track, *_ in objects]
    return Truth(
        detections=Detections(
            boxes=np.array([corners for _, corners, *_ in objects], np.float32).reshape(-1, 4),
            scores=np.array([confidence for _, _, confidence, *_ in objects], np.float32),
            class_id=np.array([class_id for *_, class_id, _ in objects], np.int32),
            class_names=names,
        ),
        ignore=np.array([corners for _, corners, _, class_id, _ in boxes if class_id is None], np.float32),
        track_ids=np.array(tracks, np.int64) if tracks and min(tracks) >= 0 else None,
        visible=np.array([visible for *_, visible in objects], np.float32),
    )
