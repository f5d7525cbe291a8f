"""Which pictures a specialist sees, and when: from all classes to its subset, step by step.

The share of pictures of the subset rises from `first_share` to `last_share` along half a cosine; the rest are
strangers, which it must still recognise. A static specialist has the same share from the first step.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foveate.core import InputError


@dataclass(frozen=True, kw_only=True)
class Curriculum:
    """Course of a specialist's training. Raises `InputError` for shares outside 0..1."""

    first_share: float
    """Share of pictures of the subset at the first step."""
    last_share: float
    """Share at `settled` of the training and after."""
    settled: float = 0.8
    """Part of the training after which shares stay."""
    first_head: float = 0.0
    """Weight of the loss among the subset's classes alone, at the first step."""
    last_head: float = 0.0
    """The same at `settled`; the loss over all classes has the rest of the weight."""

    def __post_init__(self) -> None:
        values = (self.first_share, self.last_share, self.settled, self.first_head, self.last_head)
        if not all(0 <= value <= 1 for value in values) or self.settled == 0:
            raise InputError(f"a curriculum's shares must lie in 0..1, and settled above 0, got {values}")

    def share_at(self, progress: float) -> float:
        """Share of pictures of the subset at `progress` (0..1) of the training."""
        return _between(self.first_share, self.last_share, progress / self.settled)

    def head_at(self, progress: float) -> float:
        """Weight of the loss among the subset's classes at `progress`."""
        return _between(self.first_head, self.last_head, progress / self.settled)


def progressive(natural_share: float) -> Curriculum:
    """From the natural share of the subset to 0.8, the loss moving towards the subset's own classes by half."""
    return Curriculum(first_share=natural_share, last_share=0.8, first_head=0.0, last_head=0.5)


def static() -> Curriculum:
    """Pictures of the subset alone, from the first step to the last."""
    return Curriculum(first_share=1.0, last_share=1.0, first_head=0.5, last_head=0.5)


def _between(first: float, last: float, place: float) -> float:
    return first + (last - first) * (1 - float(np.cos(np.pi * min(place, 1.0)))) / 2


class Draws:
    """Numbers of the pictures in each batch, dealt from two decks (subset, strangers) that are mixed anew at the end.

    A batch is a function of the seed and of its number, whatever was drawn before.
    """

    def __init__(
        self, own: NDArray[np.intp], strangers: NDArray[np.intp], counts: NDArray[np.int64], batch_size: int, seed: int
    ) -> None:
        """`counts[i]`: pictures of the subset in batch i. Raises `InputError` if a deck that is needed is empty."""
        self._decks, self._batch_size, self._seed = (own, strangers), batch_size, seed
        taken = (counts, batch_size - counts)
        for deck, needed in zip(self._decks, taken, strict=True):
            if needed.any() and not len(deck):
                raise InputError("pictures of the subset and of other classes are required, got none of one kind")
        self._mixed: dict[tuple[int, int], NDArray[np.intp]] = {}
        self._starts = [np.concatenate([[0], np.cumsum(needed)]) for needed in taken]

    def batch(self, step: int) -> NDArray[np.intp]:
        """Numbers of the pictures of batch `step`, in random order."""
        parts = [self._deal(which, starts[step], starts[step + 1]) for which, starts in enumerate(self._starts)]
        return np.random.default_rng((self._seed, 11, step)).permutation(np.concatenate(parts))

    def _deal(self, which: int, first: int, last: int) -> NDArray[np.intp]:
        """Cards `first` to `last` of a deck that is mixed anew each time it ends."""
        deck = self._decks[which]
        if first == last:
            return deck[:0]
        rounds = range(int(first) // len(deck), (int(last) - 1) // len(deck) + 1)
        start = int(first) - rounds.start * len(deck)
        return np.concatenate([self._mix(which, number) for number in rounds])[start : start + int(last - first)]

    def _mix(self, which: int, number: int) -> NDArray[np.intp]:
        """A deck as it lies in round `number`; the last few are kept."""
        key = (which, number)
        if key not in self._mixed:
            if len(self._mixed) > 8:
                self._mixed.clear()
            self._mixed[key] = np.random.default_rng((self._seed, 12, *key)).permutation(self._decks[which])
        return self._mixed[key]
