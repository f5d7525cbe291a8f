"""Truth as COCO JSON."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from foveate.world.errors import WorldError
from foveate.world.truth import Seen

CATEGORIES: Mapping[str, int] = {"person": 1, "bicycle": 2, "car": 3, "motorcycle": 4, "bus": 5, "truck": 6}
"""Category ids by name."""
VERSION = 2
"""Changes when the same seed gives another truth."""


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
    *, info: Mapping[str, Any], images: Sequence[Mapping[str, Any]], annotations: Iterable[Mapping[str, Any]]
) -> str:
    """The JSON text; annotations are numbered from 1. The same input gives the same bytes."""
    content = {
        "info": {
            "description": "rendered by foveate.world",
            "kind": "rendered",
            "world_version": VERSION,
            **info,
        },
        "categories": [{"id": number, "name": name} for name, number in CATEGORIES.items()],
        "images": list(images),
        "annotations": [{"id": number, **entry} for number, entry in enumerate(annotations, 1)],
    }
    return json.dumps(content, separators=(",", ":"), sort_keys=True) + "\n"
