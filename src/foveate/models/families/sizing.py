"""To which size a model wants frames resized: the rules of published preprocessors."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from foveate.core import InputError


class Sizing(Protocol):
    """A frame's height and width, pixels -> those of the model's input."""

    def __call__(self, height: int, width: int) -> tuple[int, int]:
        """The size of the input; at least one pixel each way."""
        ...


@dataclass(frozen=True, kw_only=True)
class FixedSize:
    """One size, whatever the frame's."""

    height: int
    """Pixels."""
    width: int
    """Pixels."""

    def __call__(self, height: int, width: int) -> tuple[int, int]:  # noqa: ARG002
        """That size."""
        return self.height, self.width


@dataclass(frozen=True, kw_only=True)
class ShortestEdge:
    """The shorter side as wanted, unless the longer one would exceed its limit; the aspect ratio is kept.

    Rounding as `get_size_with_aspect_ratio` of transformers does, so that published weights see published sizes.
    """

    shortest: int
    """Pixels."""
    longest: int | None = None
    """Limit of the other side, pixels; None = no limit."""
    multiple: int = 1
    """Both sides are cut down to multiples of it."""

    def __call__(self, height: int, width: int) -> tuple[int, int]:
        """The shorter side by `shortest`, the other one by the ratio, both cut down."""
        short, long = sorted((height, width))
        wanted: float = self.shortest
        side = self.shortest
        if self.longest is not None and long / short * self.shortest > self.longest:
            wanted = self.longest * short / long
            side = round(wanted)
        size = (side, int(wanted * width / height)) if height <= width else (int(wanted * height / width), side)
        if short == side:
            size = height, width
        return _cut(size[0], self.multiple), _cut(size[1], self.multiple)


@dataclass(frozen=True, kw_only=True)
class LongestEdge:
    """The longer side as wanted; the aspect ratio is kept, halves are rounded up (SAM)."""

    longest: int
    """Pixels."""

    def __call__(self, height: int, width: int) -> tuple[int, int]:
        """Both sides by the same factor."""
        scale = self.longest / max(height, width)
        return max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5))


@dataclass(frozen=True, kw_only=True)
class LeastChange:
    """Both sides by the factor, of the two that would meet one side of a target, that changes less (DPT)."""

    height: int
    """Target, pixels."""
    width: int
    """Target, pixels."""
    multiple: int = 1
    """Both sides are rounded to multiples of it, at least one."""

    def __call__(self, height: int, width: int) -> tuple[int, int]:
        """Both sides by one factor, then rounded."""
        by_height, by_width = self.height / height, self.width / width
        scale = by_width if abs(1 - by_width) < abs(1 - by_height) else by_height
        return _nearest(scale * height, self.multiple), _nearest(scale * width, self.multiple)


@dataclass(frozen=True, kw_only=True)
class OwnSize:
    """The frame's own size, rounded to what the model can take."""

    multiple: int
    """Both sides are rounded to multiples of it, at least one."""

    def __call__(self, height: int, width: int) -> tuple[int, int]:
        """Within half a multiple of the frame's size."""
        return _nearest(height, self.multiple), _nearest(width, self.multiple)


def read_sizing(settings: Mapping[str, Any], *, multiple: int = 1) -> Sizing:
    """The rule that a `preprocessor_config.json` states; `multiple`: the family's own rounding.

    Raises `InputError` for a size that is stated in none of the known forms, or below 1 pixel.
    """
    stated = settings.get("size")
    size: Any = {"height": stated, "width": stated} if isinstance(stated, int) else stated
    if isinstance(size, Mapping) and any(isinstance(side, int) and side < 1 for side in size.values()):
        raise InputError(f"size must be at least 1 pixel, got {size!r}")
    match size:
        case {"height": int(height), "width": int(width)} if settings.get("keep_aspect_ratio"):
            return LeastChange(height=height, width=width, multiple=int(settings.get("ensure_multiple_of", 1)))
        case {"height": int(height), "width": int(width)}:
            return FixedSize(height=height, width=width)
        case {"shortest_edge": int(shortest)}:
            return ShortestEdge(shortest=shortest, longest=size.get("longest_edge"), multiple=multiple)
        case {"longest_edge": int(longest)}:
            return LongestEdge(longest=longest)
    raise InputError(f"size must give height and width, shortest_edge or longest_edge, got {size!r}")


def _cut(value: int, multiple: int) -> int:
    return max(multiple, value - value % multiple)


def _nearest(value: float, multiple: int) -> int:
    return max(multiple, round(value / multiple) * multiple) if multiple > 1 else max(1, math.floor(value + 0.5))
