"""Slow automatic exposure that depends on the number of a frame alone, wherever a rendering begins.

The light is metered on a few key frames; a frame's exposure is a smooth mean over the key frames of the seconds before.
"""

from collections.abc import Callable

import numpy as np

KEYS_A_SECOND = 2
_MEMORY = 4
"""Key frames that an exposure remembers."""


class Exposure:
    """The exposure of any frame. `metered` meters the frame of a number; it is asked once for each key frame."""

    def __init__(self, metered: Callable[[int], float], *, fps: int) -> None:
        self._metered, self._every = metered, max(1, round(fps / KEYS_A_SECOND))
        self._known: dict[int, float] = {}

    def is_key(self, number: int) -> bool:
        """Whether frame `number` is a key frame."""
        return number % self._every == 0

    def note(self, number: int, metered: float) -> None:
        """Spares metering key frame `number`, which has just been drawn."""
        self._known[number] = metered

    def at(self, number: int) -> float:
        """The factor on the light of frame `number`. Key frames before the first one are taken to be like it."""
        newest = number // self._every
        keys = newest - np.arange(_MEMORY)
        age = (number - keys * self._every) / (_MEMORY * self._every)
        weights = np.sin(np.pi * age) ** 2
        self._forget((newest - _MEMORY) * self._every)
        used = [(w, self._key(max(int(k), 0) * self._every)) for w, k in zip(weights, keys, strict=True) if w > 0]
        return float(sum(w * value for w, value in used) / sum(w for w, _ in used))

    def _key(self, number: int) -> float:
        if number not in self._known:
            self._known[number] = self._metered(number)
        return self._known[number]

    def _forget(self, before: int) -> None:
        self._known = {number: value for number, value in self._known.items() if number >= before}
