"""COCO annotation files as training needs them: of each picture its group, and no more of each box than is learned."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from foveate.core import InputError
from foveate.metrics.coco_file import Annotation, Category, Content, Id, Image
from foveate.world.coco import CATEGORIES


class Entry(Image, kw_only=True):
    """A picture that is listed."""

    file_name: str
    group: Id | None = None


Annotations = Content[Entry, Annotation]
"""A whole file."""


class ScenePart(Content[Entry, Annotation]):
    """A scene of a set in the rendering, whose file does not tell what the rendered categories are."""

    categories: list[Category] = msgspec.field(
        default_factory=lambda: [Category(id=number, name=name) for name, number in CATEGORIES.items()]
    )


def labels_by_name(content: Annotations, class_names: Sequence[str], path: Path) -> dict[Id, int | None]:
    """Category id -> zero-based class by name, None = of no interest. Raises `InputError` if no name is shared."""
    names = {category.id: category.name for category in content.categories}
    found = {i: class_names.index(name) if name in class_names else None for i, name in names.items()}
    if all(label is None for label in found.values()):
        raise InputError(
            f"{path}: no category is one of {', '.join(class_names)}; got {', '.join(names.values()) or 'none'}"
        )
    return found
