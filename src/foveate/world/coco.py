"""Truth as COCO JSON."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from foveate.world.errors import WorldError
from foveate.world.truth import Seen

CATEGORIES: Mapping[str, int] = {"person": 1, "bicycle": 2, "car": 3, "motorcycle": 4, "bus": 5, "truck": 6}
"""Category ids by name."""
VERSION = 2
"""Changes when the same seed gives another truth."""
_DESCRIPTION = "rendered by foveate.world"
_INFO_BYTES = 1 << 16
"""Longer than what a file tells of itself at its end."""


def annotation(seen: Seen, *, image_id: int, category: str) -> dict[str, Any]:
    """One annotation without its id; raises `WorldError` for a category without a number."""
    if category not in CATEGORIES:
        raise WorldError(f"no category {category!r}; known: {', '.join(CATEGORIES)}")
    left, top, right, bottom = seen.box
    width, height = round(right - left, 2), round(bottom - top, 2)
    return {
        "image_id": image_id,
        "category_id": CATEGORIES[category],
        "bbox": [left, top, width, height],
        "area": round(width * height, 2),
        "iscrowd": int(seen.ignore),
        "visible": seen.visible,
        "track_id": seen.track_id,
    }


def document(
    *, info: Mapping[str, Any], images: Iterable[Mapping[str, Any]], annotations: Iterable[Mapping[str, Any]]
) -> str:
    """The JSON text; annotations are numbered from 1. The same input gives the same bytes."""
    return "".join(pieces(info=info, images=images, annotations=annotations))


def is_rendered(path: Path) -> bool:
    """Whether `path` ends as `document` does: truth of ours, which can be rendered again, as boxes of others cannot."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _INFO_BYTES))
        return b'"description":"' + _DESCRIPTION.encode() in file.read()


def pieces(
    *, info: Mapping[str, Any], images: Iterable[Mapping[str, Any]], annotations: Iterable[Mapping[str, Any]]
) -> Iterator[str]:
    """`document` piece by piece, for truth that would fill the memory. Keys are in alphabetical order."""
    about = {"description": _DESCRIPTION, "kind": "rendered", "world_version": VERSION, **info}
    yield '{"annotations":['
    yield from _listed({"id": number, **entry} for number, entry in enumerate(annotations, 1))
    yield f'],"categories":{_json([{"id": number, "name": name} for name, number in CATEGORIES.items()])},"images":['
    yield from _listed(images)
    yield f'],"info":{_json(about)}}}\n'


def _listed(entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for number, entry in enumerate(entries):
        yield ("," if number else "") + _json(entry)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
