"""Labelled pictures on disk: COCO annotation files, read by class name."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foveate.core import InputError
from foveate.metrics.coco_file import Annotation, Id, read_content
from foveate.training.annotations import Annotations, Entry, ScenePart, labels_by_name
from foveate.training.pictures import read_picture
from foveate.training.sample import Sample

MIN_VISIBLE = 0.25
"""Objects of which a smaller share is visible (field `visible` of rendered sets) are ignored, not learned."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledImage:
    """One picture of a set; its pixels stay on disk (the page cache holds compressed files well)."""

    path: Path
    group: str
    """Clip or sequence, which must not be split between training and validation."""
    boxes: NDArray[np.float32]
    """`(n, 4)` xyxy, pixels; inside the picture where its `size` was told."""
    labels: NDArray[np.int64]
    """`(n,)` zero-based classes."""
    ignored: NDArray[np.bool_]
    """`(n,)`; True = ignore region."""
    hidden: NDArray[np.bool_]
    """`(n,)`; True = an ignore region that is for every class, as of an object of which little is visible; others are
    crowds of their class."""
    by_people: NDArray[np.bool_]
    """`(n,)`; True = the box was made by a person."""
    size: tuple[int, int] | None = None
    """`(height, width)` that the boxes are for, pixels; None = nobody told."""

    def read(self) -> Sample:
        """Decode the picture, with boxes clipped to it; raises `MediaError` if the file is no whole picture, or one of
        another size.
        """
        pixels = read_picture(self.path, self.size)
        shown = self.within((pixels.shape[0], pixels.shape[1]))
        return Sample(pixels=pixels, boxes=shown.boxes, labels=shown.labels, ignored=shown.ignored)

    def within(self, size: tuple[int, int]) -> "LabelledImage":
        """With boxes clipped to a picture of `size` (height, width), without those of which nothing is left."""
        boxes = self.boxes.clip(0, np.array([size[1], size[0]] * 2, np.float32))
        left = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        return replace(
            self,
            boxes=boxes[left],
            labels=self.labels[left],
            ignored=self.ignored[left],
            hidden=self.hidden[left],
            by_people=self.by_people[left],
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageSet:
    """Labelled pictures with one list of classes. Raises `InputError` if there is no picture."""

    name: str
    images: tuple[LabelledImage, ...]
    class_names: tuple[str, ...]
    missing_classes: tuple[str, ...] = ()
    """Classes of `class_names` that the annotation file does not know."""
    missing_files: int = 0
    """Pictures that the annotation file lists but that are not on disk (yet)."""

    def __post_init__(self) -> None:
        if not self.images:
            raise InputError(f"set {self.name!r} needs at least one picture, got none")

    def __len__(self) -> int:
        return len(self.images)

    def some(self, most: int) -> "ImageSet":
        """At most so many of the pictures, spread evenly."""
        rows = np.linspace(0, len(self) - 1, min(most, len(self))).round().astype(int)
        return replace(self, images=tuple(self.images[row] for row in rows))

    def without(self, groups: Set[str]) -> "ImageSet":
        """The pictures of other groups."""
        return replace(self, images=tuple(image for image in self.images if image.group not in groups))

    def split(self, share: float) -> tuple["ImageSet", "ImageSet"]:
        """(training, validation): a fixed choice of groups with about `share` of the pictures validates.

        Groups are taken in the order of their names' hashes; those too large for the share stay in training. If
        every group is, the smallest one validates; a set of a single group is returned whole on both sides.
        """
        members: dict[str, list[LabelledImage]] = defaultdict(list)
        for image in self.images:
            members[image.group].append(image)
        if len(members) == 1:
            return self, self
        held = _held_groups({group: len(images) for group, images in members.items()}, share * len(self))
        train = tuple(image for image in self.images if image.group not in held)
        validation = tuple(image for image in self.images if image.group in held)
        return replace(self, images=train), replace(self, images=validation)


def load_coco(annotations: Path, images: Path, class_names: Sequence[str], *, name: str = "") -> ImageSet:
    """Read a COCO annotation file whose pictures lie in the folder `images`.

    Category ids are mapped by name to `class_names`; other categories are dropped, and so are boxes without an area in
    the picture; those that reach beyond it are clipped.
    `iscrowd: 1` and boxes of which little is `visible` become ignore regions. Raises `MediaError` for a file that is
    missing or not COCO, and `InputError` if no category has one of the names or no picture is there.
    """
    content = read_content(annotations, Annotations)
    return _image_set(content, annotations, images, class_names, name or annotations.stem)


def _image_set(
    content: Annotations, annotations: Path, images: Path, class_names: Sequence[str], name: str
) -> ImageSet:
    label_of = labels_by_name(content, class_names, annotations)
    boxes_of: dict[Id, list[Annotation]] = defaultdict(list)
    for box in content.annotations:
        if label_of[box.category_id] is not None and all(box.bbox[2:]):
            boxes_of[box.image_id].append(box)
    here = [entry for entry in content.images if (images / entry.file_name).is_file()]
    if not here:
        raise InputError(f"{images}: none of the {len(content.images)} pictures of {annotations} is there")
    return ImageSet(
        name=name,
        images=tuple(_image(entry, boxes_of[entry.id], label_of, images) for entry in here),
        class_names=tuple(class_names),
        missing_classes=tuple(n for i, n in enumerate(class_names) if i not in label_of.values()),
        missing_files=len(content.images) - len(here),
    )


def load_folder(folder: Path, class_names: Sequence[str], *, split: str = "train", name: str = "") -> ImageSet:
    """Read the set in `folder`: pictures under `images`, boxes in `annotations.json` or `SPLIT.json`.

    A set that is still being rendered has neither, but `parts`: it is read as far as it goes.
    """
    if not folder.is_dir():
        wrong = "is a file; a training pack is pack=FILE" if folder.exists() else "does not exist"
        raise InputError(f"a data set must be a folder, got {folder}, which {wrong}")
    for file in (folder / f"{split}.json", folder / "annotations.json"):
        if file.is_file():
            return load_coco(file, folder / "images", class_names, name=name or folder.name)
    return _load_parts(folder, tuple(class_names), name or folder.name)


def _load_parts(folder: Path, class_names: tuple[str, ...], name: str) -> ImageSet:
    """The scenes of a set of rendered stills that are done."""
    # A name with a dot in front is that of a file in the writing.
    parts = sorted(part for part in (folder / "parts").glob("*.json") if not part.name.startswith("."))
    if not parts:
        raise InputError(f"{folder}: a data set needs SPLIT.json, annotations.json or parts, got none of them")
    images = tuple(image for part in parts for image in _load_part(part, folder / "images", class_names))
    return ImageSet(name=name, images=images, class_names=class_names)


@lru_cache(maxsize=1 << 14)
def _load_part(part: Path, images: Path, class_names: tuple[str, ...]) -> tuple[LabelledImage, ...]:
    """The pictures of one scene, which appear complete and stay as they are."""
    return _image_set(read_content(part, ScenePart), part, images, class_names, part.stem).images


def _image(entry: Entry, boxes: list[Annotation], label_of: Mapping[Id, int | None], folder: Path) -> LabelledImage:
    corners = np.array([box.bbox for box in boxes], np.float32).reshape(-1, 4)
    corners[:, 2:] += corners[:, :2]
    # Some tools write a negative side where a box was dragged to the left or upwards.
    corners = np.concatenate([np.minimum(*np.split(corners, 2, 1)), np.maximum(*np.split(corners, 2, 1))], axis=1)
    image = LabelledImage(
        path=folder / entry.file_name,
        size=entry.size,
        group=entry.file_name if entry.group is None else str(entry.group),
        boxes=corners,
        labels=np.array([label_of[box.category_id] for box in boxes], np.int64),
        ignored=np.array([_is_ignored(box) for box in boxes], np.bool_),
        hidden=np.array([_is_ignored(box) and box.visible is not None for box in boxes], np.bool_),
        by_people=np.array([box.source == "human" for box in boxes], np.bool_),
    )
    return image if entry.size is None else image.within(entry.size)


def _is_ignored(box: Annotation) -> bool:
    return bool(box.iscrowd) or (box.visible is not None and box.visible < MIN_VISIBLE)


def _held_groups(sizes: dict[str, int], wanted: float) -> set[str]:
    """Groups whose sizes add up to `wanted` or a little less, at least one."""
    held: set[str] = set()
    total = 0
    for group in sorted(sizes, key=_hash):
        if total + sizes[group] <= wanted:
            held.add(group)
            total += sizes[group]
    return held or {min(sizes, key=lambda group: (sizes[group], _hash(group)))}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
