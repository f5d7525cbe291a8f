"""Annotation files in COCO's JSON, of image sets and of video clips, read and written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from foveate.core import Detections, InputError, MediaError
from foveate.core.whole_files import whole_file
from foveate.metrics.coco_file import Annotation, Category, Content, Id, Image, read_content
from foveate.metrics.truth import EVERY_CLASS, Truth


@dataclass(frozen=True, kw_only=True, eq=False)
class AnnotatedImage:
    """One picture, or one frame of a clip, and what is in it."""

    file_name: str
    """The picture's file, or the clip's."""
    size: tuple[int, int]
    """`(height, width)`, pixels; 0 = nobody told."""
    truth: Truth
    """Its objects; crowd regions are among the ignored boxes, each for its class."""
    frame: int | None = None
    """Position in the clip, from 0; None for single pictures."""
    outlines: Sequence[dict[str, Any]] | None = None
    """What `encode_outline` makes of each object's mask; None = boxes only. Written, not read."""


class _Image(Image, kw_only=True):
    file_name: str = ""
    frame: int | None = None


class _Annotation(Annotation, kw_only=True):
    score: float | None = 1.0
    track_id: int | None = None


_Content = Content[_Image, _Annotation]


def read_coco(path: str | Path) -> list[AnnotatedImage]:
    """Read the pictures of a COCO file in its order. Class names are its categories by ascending id, each name once.

    Other tools' dialects are understood (`read_content`), categories of one name under several ids are one class, and
    a side that nobody told is 0.
    `track_id` is kept for pictures whose objects all have one; an object without `visible` beside others that have
    it is wholly visible. `source` tells which boxes people made; it is read, not written. A crowd is ignored for its
    class; one with `visible`, an object that is hidden or too small to be asked for, for every class. Raises
    `MediaError`, in one line, on a file that is missing, is no such JSON, names pictures or categories that it does
    not list, or has boxes beyond all pictures.
    """
    content = read_content(path, _Content)
    try:
        return _images(content)
    except (OverflowError, InputError) as error:
        raise MediaError(f"{path} is not a COCO annotation file: {error}") from error


def write_coco(path: str | Path, images: Sequence[AnnotatedImage]) -> None:
    """Write pictures as a COCO file: inverse of `read_coco`. All must have the same class names, ids from 1.

    Ignored boxes become crowd annotations of their class; those for every class, of the first one with nothing
    visible. The file appears whole or stays as it was. Raises `InputError` on differing class names, `MediaError` where
    the disk refuses.
    """
    names = {image.truth.detections.class_names for image in images}
    if len(names) > 1:
        raise InputError(f"the images of one annotation file must share their class names, got {sorted(names)}")
    categories = [Category(id=i, name=name) for i, name in enumerate(next(iter(names), ()), 1)]
    annotations = [
        {"id": number, **entry}
        for number, entry in enumerate((e for i, image in enumerate(images, 1) for e in _entries(i, image)), 1)
    ]
    listed = [_listed(number, image) for number, image in enumerate(images, 1)]
    content = {"images": listed, "annotations": annotations, "categories": categories}
    with whole_file(Path(path), MediaError, "cannot write annotations") as draft:
        draft.write_bytes(msgspec.json.encode(content))


def _images(content: _Content) -> list[AnnotatedImage]:
    categories = sorted(content.categories, key=_rank)
    # Some tools list a parent under the name of its child: one name is one class.
    names = tuple(dict.fromkeys(category.name for category in categories))
    places = {category.id: names.index(category.name) for category in categories}
    found: dict[Id, list[_Annotation]] = {image.id: [] for image in content.images}
    for annotation in content.annotations:
        found[annotation.image_id].append(annotation)
    return [
        AnnotatedImage(
            file_name=image.file_name,
            size=(image.height or 0, image.width or 0),
            truth=_truth(found[image.id], places, names),
            frame=image.frame,
        )
        for image in content.images
    ]


def _rank(category: Category) -> tuple[bool, Id]:
    """Numbers first, then names."""
    return isinstance(category.id, str), category.id


def _truth(annotations: list[_Annotation], places: dict[Id, int], names: tuple[str, ...]) -> Truth:
    objects = [annotation for annotation in annotations if not annotation.iscrowd]
    crowds = [annotation for annotation in annotations if annotation.iscrowd]
    return Truth(
        detections=Detections(
            boxes=_boxes(objects),
            scores=np.array([1.0 if a.score is None else a.score for a in objects], np.float32),
            class_id=np.array([places[annotation.category_id] for annotation in objects], np.int32),
            class_names=names,
        ),
        ignore=_boxes(crowds),
        ignore_class=np.array([_crowd_class(annotation, places) for annotation in crowds], np.int32),
        track_ids=_track_ids(objects),
        visible=_visible(objects),
        by_people=_by_people(objects),
    )


def _crowd_class(annotation: _Annotation, places: dict[Id, int]) -> int:
    return places[annotation.category_id] if annotation.visible is None else EVERY_CLASS


def _boxes(annotations: list[_Annotation]) -> NDArray[np.float32]:
    corners = np.array([annotation.bbox for annotation in annotations], np.float64).reshape(-1, 4)
    corners[:, 2:] += corners[:, :2]
    # Some tools write a negative side where a box was dragged to the left or upwards.
    low, high = np.minimum(corners[:, :2], corners[:, 2:]), np.maximum(corners[:, :2], corners[:, 2:])
    return np.concatenate([low, high], axis=1).astype(np.float32)


def _track_ids(annotations: list[_Annotation]) -> NDArray[np.int64] | None:
    known = [annotation.track_id for annotation in annotations if annotation.track_id is not None]
    return np.array(known, np.int64) if known and len(known) == len(annotations) else None


def _visible(annotations: list[_Annotation]) -> NDArray[np.float32] | None:
    shares = [annotation.visible for annotation in annotations]
    if all(share is None for share in shares):
        return None
    return np.array([1.0 if share is None else share for share in shares], np.float32)


def _by_people(annotations: list[_Annotation]) -> NDArray[np.bool_] | None:
    sources = [annotation.source for annotation in annotations]
    return None if all(source is None for source in sources) else np.array([s == "human" for s in sources], np.bool_)


def _listed(number: int, image: AnnotatedImage) -> dict[str, Any]:
    entry = {"id": number, "file_name": image.file_name, "height": image.size[0], "width": image.size[1]}
    return entry if image.frame is None else {**entry, "frame": image.frame}


def _entries(image_id: int, image: AnnotatedImage) -> list[dict[str, Any]]:
    truth, objects = image.truth, image.truth.detections
    entries = [
        _entry(image_id, int(class_id) + 1, box, iscrowd=0)
        | {"score": float(str(score))}  # the shortest digits of a float32
        for box, score, class_id in zip(objects.boxes, objects.scores, objects.class_id, strict=True)
    ]
    for key, values in (("track_id", truth.track_ids), ("visible", truth.visible)):
        for entry, value in zip(entries, [] if values is None else values.tolist(), strict=False):
            entry[key] = value
    if image.outlines is not None:
        for entry, outline in zip(entries, image.outlines, strict=True):
            entry |= {"segmentation": outline, "area": sum(outline["counts"][1::2])}
    return entries + [_crowd(image_id, k, box) for k, box in zip(truth.ignore_class, truth.ignore, strict=True)]


def _crowd(image_id: int, class_id: int, box: NDArray[np.float32]) -> dict[str, Any]:
    if class_id == EVERY_CLASS:
        return _entry(image_id, 1, box, iscrowd=1) | {"visible": 0.0}
    return _entry(image_id, int(class_id) + 1, box, iscrowd=1)


def _entry(image_id: int, category_id: int, box: NDArray[np.float32], *, iscrowd: int) -> dict[str, Any]:
    x1, y1, x2, y2 = (float(side) for side in box)
    width, height = x2 - x1, y2 - y1
    return {
        "image_id": image_id,
        "category_id": category_id,
        "bbox": [x1, y1, width, height],
        "area": width * height,
        "iscrowd": iscrowd,
    }
