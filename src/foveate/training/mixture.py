"""Which picture is seen next: several sets with weights, pictures of rare classes more often."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foveate.core import InputError
from foveate.training.dataset import ImageSet, LabelledImage

RARE = 0.5
"""A class in fewer than this share of a set's pictures is rare."""
MOST_REPEATS = 5.0
"""A picture is seen at most this many times as often as one without rare classes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Mixture:
    """Sets to draw from. Raises `InputError` unless there is one positive weight per set."""

    sets: tuple[ImageSet, ...]
    weights: tuple[float, ...]
    """Share of the drawn pictures per set, up to a common factor."""

    def __post_init__(self) -> None:
        positive = all(0 < weight < np.inf for weight in self.weights)
        if not self.sets or len(self.sets) != len(self.weights) or not positive:
            raise InputError(
                f"a mixture needs one positive weight per set, got {len(self.sets)} sets and weights {self.weights}"
            )
        shares = np.array(self.weights) / sum(self.weights)
        chances = [share * _image_chances(images) for share, images in zip(shares, self.sets, strict=True)]
        object.__setattr__(self, "_cumulative", np.cumsum(np.concatenate(chances)))
        object.__setattr__(self, "_images", [image for images in self.sets for image in images.images])

    _cumulative: NDArray[np.float64] = None  # type: ignore[assignment]  # set above
    _images: list[LabelledImage] = None  # type: ignore[assignment]  # set above

    @property
    def images(self) -> Sequence[LabelledImage]:
        """All pictures."""
        return self._images

    @property
    def class_weights(self) -> NDArray[np.float64]:
        """`(K,)`: chance of an object of each class to be centred, the inverse root of how often it occurs."""
        classes = len(self.sets[0].class_names)
        labels = np.concatenate([image.labels[~image.ignored] for image in self._images])
        return 1 / np.sqrt(np.maximum(np.bincount(labels, minlength=classes), 1.0))

    def draw(self, rng: np.random.Generator) -> LabelledImage:
        """One picture."""
        index = np.searchsorted(self._cumulative, rng.random() * self._cumulative[-1], side="right")
        return self._images[min(int(index), len(self._images) - 1)]


def _image_chances(images: ImageSet) -> NDArray[np.float64]:
    """`(n,)`, sum 1: repeat factors of Gupta et al. 2019 (LVIS, section 4.2), capped."""
    present = np.zeros((len(images), len(images.class_names)), np.bool_)
    for row, image in enumerate(images.images):
        present[row, image.labels[~image.ignored]] = True
    factors = np.sqrt(RARE / np.maximum(present.mean(axis=0), 1e-6)).clip(1, MOST_REPEATS)
    repeats = np.where(present, factors, 1.0).max(axis=1)
    chances: NDArray[np.float64] = repeats / repeats.sum()
    return chances
