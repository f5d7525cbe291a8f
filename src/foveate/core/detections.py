"""The one value type for what a model, a tracker or an annotation file says is in a frame."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foveate.core.errors import InputError

STREET_CLASSES = ("person", "bicycle", "car", "motorcycle", "bus", "truck")
"""Class names of the detectors that foveate trains itself."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Detections:
    """Boxes of one frame. Arrays become of their dtypes; raises `InputError` where shapes or lengths disagree."""

    boxes: NDArray[np.float32]
    """`(n, 4)` xyxy in absolute pixels of the original frame."""
    scores: NDArray[np.float32]
    """`(n,)` in 0..1; 1 for exact truth."""
    class_id: NDArray[np.int32]
    """`(n,)` zero-based indices into `class_names`."""
    class_names: tuple[str, ...]
    """Names of all classes that the source knows."""

    def __post_init__(self) -> None:
        boxes = np.asarray(self.boxes, dtype=np.float32)
        flat = boxes.ndim == 1 and boxes.size % 4 == 0  # as messages carry them
        if boxes.size and not flat and boxes.shape[1:] != (4,):
            raise InputError(f"boxes must have shape (n, 4), got {boxes.shape}")
        boxes = boxes.reshape(-1, 4)
        scores = np.asarray(self.scores, dtype=np.float32).reshape(-1)
        class_id = np.asarray(self.class_id, dtype=np.int32).reshape(-1)
        if not len(boxes) == len(scores) == len(class_id):
            raise InputError(
                "detections need as many scores and class ids as boxes, "
                f"got {len(boxes)} boxes, {len(scores)} scores, {len(class_id)} class ids"
            )
        if len(class_id) and not 0 <= class_id.min() <= class_id.max() < len(self.class_names):
            raise InputError(
                f"class ids must lie in 0..{len(self.class_names) - 1}, "
                f"got {int(class_id.min())}..{int(class_id.max())}"
            )
        object.__setattr__(self, "boxes", boxes)
        object.__setattr__(self, "scores", scores)
        object.__setattr__(self, "class_id", class_id)
        object.__setattr__(self, "class_names", tuple(self.class_names))

    def __len__(self) -> int:
        return len(self.boxes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Detections):
            return NotImplemented
        return self.class_names == other.class_names and all(
            np.array_equal(a, b)
            for a, b in zip(
                (self.boxes, self.scores, self.class_id),
                (other.boxes, other.scores, other.class_id),
                strict=True,
            )
        )

    __hash__ = None  # type: ignore[assignment]  # holds arrays

    @classmethod
    def empty(cls, class_names: Sequence[str]) -> Self:
        """No objects, of known classes."""
        return cls(
            boxes=np.zeros((0, 4), np.float32),
            scores=np.zeros(0, np.float32),
            class_id=np.zeros(0, np.int32),
            class_names=tuple(class_names),
        )

    def select(self, index: ArrayLike) -> Self:
        """The rows named by a boolean or integer index, in its order."""
        rows = np.asarray(index)
        rows = rows if rows.size else rows.astype(np.intp)  # an empty list is of no integer type
        return type(self)(
            boxes=self.boxes[rows],
            scores=self.scores[rows],
            class_id=self.class_id[rows],
            class_names=self.class_names,
        )

    def above(self, score: float) -> Self:
        """The rows whose score is at least `score`."""
        return self.select(self.scores >= score)

    def scaled(self, factor_y: float, factor_x: float) -> Self:
        """The same objects in a frame whose height and width are multiplied by the factors."""
        factors = np.array([factor_x, factor_y, factor_x, factor_y], np.float32)
        return type(self)(
            boxes=self.boxes * factors,
            scores=self.scores,
            class_id=self.class_id,
            class_names=self.class_names,
        )

    def moved(self, down: float, right: float) -> Self:
        """The same objects so many pixels further down and to the right."""
        offset = np.array([right, down, right, down], np.float32)
        return type(self)(
            boxes=self.boxes + offset,
            scores=self.scores,
            class_id=self.class_id,
            class_names=self.class_names,
        )

    def class_id_in(self, class_names: Sequence[str]) -> NDArray[np.int32]:
        """`(n,)` of each object as an index into other names; -1 where its name is not among them.

        Of a name that occurs twice, the first index counts: objects of one name are of one class.
        """
        places = class_places(self.class_names, class_names)
        return places[self.class_id] if len(self) else np.zeros(0, np.int32)

    def with_classes(self, class_names: Sequence[str]) -> Self:
        """The same objects with ids into other names; raises `InputError` if one of its names is not among them."""
        if missing := [name for name in self.class_names if name not in class_names]:
            raise InputError(f"the classes {', '.join(missing)} are not among {', '.join(class_names)}")
        return type(self)(
            boxes=self.boxes,
            scores=self.scores,
            class_id=self.class_id_in(class_names),
            class_names=tuple(class_names),
        )


def class_places(class_names: Sequence[str], others: Sequence[str]) -> NDArray[np.int32]:
    """Of each class name `(len(class_names),)` its first index among `others`; -1 where it is not among them."""
    places: dict[str, int] = {}
    for index, name in enumerate(others):
        places.setdefault(name, index)
    return np.array([places.get(name, -1) for name in class_names], np.int32)


def join_detections(parts: Sequence[Detections]) -> Detections:
    """All objects of at least one part, in order. Raises `InputError` where class names differ."""
    if not parts or any(part.class_names != parts[0].class_names for part in parts):
        raise InputError(f"only detections of the same classes join, got {[part.class_names for part in parts]}")
    return Detections(
        boxes=np.concatenate([part.boxes for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
        class_id=np.concatenate([part.class_id for part in parts]),
        class_names=parts[0].class_names,
    )
