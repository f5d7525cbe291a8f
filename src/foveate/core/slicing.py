"""How large pictures are cut into overlapping slices (Akyon et al. 2022, SAHI): corners and counts, no pixels."""

from collections.abc import Iterable
from dataclasses import dataclass

from foveate.core.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Slicing:
    """How pictures are cut and put together. Raises `InputError` for sides or overlaps that cannot be."""

    side: int = 1024
    """Height and width of a slice, pixels; a smaller picture is one slice."""
    overlap: float = 0.25
    """Share of its side, rounded down to whole pixels, that a slice has in common with the next one, at least."""
    merge_iou: float = 0.25
    """Of two boxes of a class that overlap by more, the one with the lower score is dropped."""

    def __post_init__(self) -> None:
        if self.side < 32 or not 0 <= self.overlap < 1 or not 0 < self.merge_iou <= 1:
            raise InputError(
                "slices need sides of at least 32 pixels, an overlap in [0, 1) and a merge_iou in (0, 1], "
                f"got {self.side}, {self.overlap} and {self.merge_iou}"
            )

    def corners(self, height: int, width: int) -> list[tuple[int, int]]:
        """Upper left corners (top, left) of the slices that cover a picture; the last ones end at its border."""
        return [(top, left) for top in self._starts(height) for left in self._starts(width)]

    def count(self, sizes: Iterable[tuple[int, int]]) -> int:
        """How many slices pictures of these sizes `(height, width)` make."""
        return sum(len(self._starts(height)) * len(self._starts(width)) for height, width in sizes)

    def _starts(self, length: int) -> list[int]:
        last = max(0, length - self.side)
        step = max(1, self.side - int(self.side * self.overlap))
        return [*range(0, last, step), last]
