"""COCO's JSON, whoever wrote it: checked as it is read, so that an error names what is wrong where."""

import codecs
from collections.abc import Set
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from foveate.core import InputError, MediaError

Id = int | str
"""COCO's are numbers; some tools write names."""

_FARTHEST = 2.0**24
"""Pixels; beyond, a float32 does not hold every whole number."""


class Category(msgspec.Struct):
    """What a category id means."""

    id: Id
    name: str

    def __post_init__(self) -> None:
        self.id = _plain(self.id)


class Image(msgspec.Struct, kw_only=True):
    """A picture that is listed."""

    id: Id
    height: int | None = None
    width: int | None = None

    def __post_init__(self) -> None:
        self.id = _plain(self.id)

    @property
    def size(self) -> tuple[int, int] | None:
        """`(height, width)` in pixels, if both are told; 0 tells nothing."""
        return (self.height, self.width) if self.height and self.width else None


class Annotation(msgspec.Struct, kw_only=True):
    """An object, or a region to ignore."""

    image_id: Id
    category_id: Id
    bbox: tuple[float, float, float, float]
    """Left, top, width, height."""
    iscrowd: int | bool | None = 0
    visible: float | bool | None = None
    source: Any = None
    """`human` where a person made the box; other tools keep other things under this name."""

    def __post_init__(self) -> None:
        self.image_id, self.category_id = _plain(self.image_id), _plain(self.category_id)


Listed = TypeVar("Listed", bound=Image)
Marked = TypeVar("Marked", bound=Annotation)


class Content(msgspec.Struct, Generic[Listed, Marked]):
    """A whole file."""

    images: list[Listed]
    annotations: list[Marked]
    categories: list[Category]


Some = TypeVar("Some", bound=Content[Any, Any])


def read_content(path: str | Path, kind: type[Some]) -> Some:
    """What `kind` asks for of a file, and no more of it.

    Other tools' dialects are understood: numbers written as `1.0` or `"1"`, names as ids, `iscrowd` as a truth value,
    null or 0 for a size that nobody told. Raises `MediaError`, in one line, on a file that is missing, is no such JSON,
    names pictures or categories that it does not list, or has boxes beyond all pictures.
    """
    try:
        text = Path(path).read_bytes().removeprefix(codecs.BOM_UTF8)
        content: Some = msgspec.json.decode(text, type=kind, strict=False)
        _check(content)
    except OSError as error:
        raise MediaError(f"cannot read annotations {path}: {error.strerror}") from error
    except (msgspec.MsgspecError, UnicodeError, RecursionError, InputError) as error:
        raise MediaError(f"{path} is not a COCO annotation file: {error}") from error
    return content


def _plain(value: Id) -> Id:
    """A number that is written as text, as the number."""
    if isinstance(value, int):
        return value
    try:
        return msgspec.convert(value, int, strict=False)
    except msgspec.ValidationError:
        return value


def _check(content: Content[Any, Any]) -> None:
    images, categories = _ids(content.images, "images"), _ids(content.categories, "categories")
    for number, annotation in enumerate(content.annotations):
        _check_annotation(number, annotation, images, categories)


def _ids(entries: list[Any], of: str) -> set[Id]:
    ids = {entry.id for entry in entries}
    if len(ids) < len(entries):
        raise InputError(f"ids of {of} must differ from one another")
    return ids


def _check_annotation(number: int, annotation: Annotation, images: Set[Id], categories: Set[Id]) -> None:
    if annotation.image_id not in images:
        raise InputError(f"annotation {number} is of image {annotation.image_id!r}, which is not listed")
    if annotation.category_id not in categories:
        raise InputError(f"annotation {number} is of category {annotation.category_id!r}, which is not listed")
    if not all(abs(value) <= _FARTHEST for value in annotation.bbox):  # also of what is no number
        raise InputError(
            f"the box of annotation {number} must lie within {_FARTHEST:.0f} pixels, got {list(annotation.bbox)}"
        )
