"""COCO annotation files, whoever wrote them: checked as they are read, so that an error names what is wrong where."""

import codecs
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from foveate.core import InputError, MediaError

Id = int | str
"""COCO's are numbers; some tools write names."""
Pixel = Annotated[float, msgspec.Meta(ge=-1e6, le=1e6)]
"""What a coordinate can be."""


class Category(msgspec.Struct):
    """What a category id means."""

    id: Id
    name: str


class Entry(msgspec.Struct):
    """A picture that is listed."""

    id: Id
    file_name: str
    height: int | None = None
    width: int | None = None
    group: Id | None = None

    @property
    def size(self) -> tuple[int, int] | None:
        """`(height, width)` in pixels, if both are told."""
        return None if self.height is None or self.width is None else (self.height, self.width)


class Box(msgspec.Struct):
    """An object, or a region to ignore."""

    image_id: Id
    category_id: Id
    bbox: tuple[Pixel, Pixel, Pixel, Pixel]
    """Left, top, width, height."""
    iscrowd: bool | int | None = 0
    visible: float | None = None
    source: str | None = None


class Part(msgspec.Struct):
    """Pictures and boxes without categories."""

    images: list[Entry]
    annotations: list[Box]


class Annotations(Part):
    """A whole file."""

    categories: list[Category]


Content = TypeVar("Content", bound=Part)


def read_annotations(path: Path, kind: type[Content]) -> Content:
    """The content of a file; raises `MediaError`, which says where in the file something is missing or wrong."""
    try:
        content = msgspec.json.decode(path.read_bytes().removeprefix(codecs.BOM_UTF8), type=kind)
    except OSError as error:
        raise MediaError(f"{path}: not a readable annotation file ({error.strerror})") from error
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise MediaError(f"{path}: not a readable annotation file ({error})") from error
    _check_ids(content, path)
    return content


def _check_ids(content: Part, path: Path) -> None:
    listed = {entry.id for entry in content.images}
    if len(listed) < len(content.images):
        raise MediaError(f"{path}: ids of images must differ from one another")
    for number, box in enumerate(content.annotations):
        if box.image_id not in listed:
            raise MediaError(f"{path}: annotation {number} is of image {box.image_id!r}, which is not listed")


def labels_by_name(content: Annotations, class_names: Sequence[str], path: Path) -> dict[Id, int | None]:
    """Category id -> zero-based class by name, None = of no interest.

    Raises `InputError` if no name is shared, `MediaError` if an annotation's category is not listed.
    """
    names = {category.id: category.name for category in content.categories}
    found = {i: class_names.index(name) if name in class_names else None for i, name in names.items()}
    if all(label is None for label in found.values()):
        raise InputError(
            f"{path}: no category is one of {', '.join(class_names)}; got {', '.join(names.values()) or 'none'}"
        )
    for number, box in enumerate(content.annotations):
        if box.category_id not in found:
            raise MediaError(f"{path}: annotation {number} is of category {box.category_id!r}, which is not listed")
    return found
