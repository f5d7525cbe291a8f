"""Labelled pictures of one size, all in memory: what classifiers are trained and judged on."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from foveate.core.errors import InputError


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledImages:
    """Pictures with one class each. Raises `InputError` where shapes or labels do not fit one another."""

    name: str
    """Which data these are; results name it."""
    pixels: NDArray[np.uint8]
    """RGB, uint8 `(n, H, W, 3)`."""
    labels: NDArray[np.int64]
    """`(n,)`: zero-based index into `class_names`."""
    class_names: tuple[str, ...]
    superclass_names: tuple[str, ...] = ()
    superclass_of: tuple[int, ...] = ()
    """For each class, its index into `superclass_names`; empty where the data have no superclasses."""

    def __post_init__(self) -> None:
        if self.pixels.dtype != np.uint8 or self.pixels.ndim != 4 or self.pixels.shape[3] != 3:
            raise InputError(
                f"{self.name}: pictures must be uint8 (n, H, W, 3), got {self.pixels.dtype} {self.pixels.shape}"
            )
        if self.labels.shape != (len(self.pixels),):
            raise InputError(f"{self.name}: {len(self.pixels)} labels are required, got shape {self.labels.shape}")
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < len(self.class_names):
            raise InputError(
                f"{self.name}: labels must lie in 0..{len(self.class_names) - 1}, "
                f"got {self.labels.min()}..{self.labels.max()}"
            )
        if self.superclass_of and len(self.superclass_of) != len(self.class_names):
            raise InputError(
                f"{self.name}: a superclass is required for each of {len(self.class_names)} classes, "
                f"got {len(self.superclass_of)}"
            )
        if self.superclass_of and not 0 <= min(self.superclass_of) <= max(self.superclass_of) < len(
            self.superclass_names
        ):
            raise InputError(
                f"{self.name}: superclasses must lie in 0..{len(self.superclass_names) - 1}, "
                f"got {min(self.superclass_of)}..{max(self.superclass_of)}"
            )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def image_size(self) -> tuple[int, int]:
        """`(height, width)` of every picture, pixels."""
        return self.pixels.shape[1], self.pixels.shape[2]

    def take(self, index: NDArray[np.integer], *, name: str | None = None) -> "LabelledImages":
        """The pictures of these numbers, in this order."""
        return replace(self, name=name or self.name, pixels=self.pixels[index], labels=self.labels[index])


def split_by_class(labels: NDArray[np.int64], first: int, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Two disjoint sets of numbers: `first` of each class, drawn from `seed`, and all others; both ascending.

    Raises `InputError` for a class that has no more than `first` pictures, for then nothing would be left to choose on.
    """
    rng, taken = np.random.default_rng((seed, 340)), np.zeros(len(labels), np.bool_)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(members) <= first:
            raise InputError(f"class {label} needs more than {first} pictures to be split, got {len(members)}")
        taken[rng.permutation(members)[:first]] = True
    return np.flatnonzero(taken), np.flatnonzero(~taken)
