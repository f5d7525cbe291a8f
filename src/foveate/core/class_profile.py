"""What the quality of each importance class costs and is worth (Hyperion, equations 3 and 4): plain numbers."""

from dataclasses import dataclass, field
from itertools import pairwise

from foveate.core.errors import InputError
from foveate.core.provenance import Provenance
from foveate.core.views import ImportanceWish


@dataclass(frozen=True, kw_only=True)
class SizeLine:
    """Equation 3: size = original size x (slope x sum_c p_c q_c + intercept)."""

    slope: float
    """a, per unit of JPEG quality, above 0: more quality never costs less."""
    intercept: float
    """b; usually below 0, for bytes grow faster than quality."""

    def __post_init__(self) -> None:
        if not self.slope > 0:
            raise InputError(f"the slope of a size line must lie above 0, got {self.slope}")


@dataclass(frozen=True, kw_only=True)
class SizeTable:
    """Size by class and quality: size = original size x (fixed + sum_c p_c ratio[c](q_c)).

    Each row rises with quality, by steps that never shrink per unit of quality (convex), or `InputError`.
    """

    qualities: tuple[int, ...]
    """Rising."""
    ratio: tuple[tuple[float, ...], ...]
    """One row per class, one column per quality: compressed over original bytes of a frame wholly of that class."""
    fixed: float = 0.0
    """Share of the original size that is sent whatever the qualities: headers and the class map."""

    def __post_init__(self) -> None:
        for row, slopes in zip(self.ratio, _slopes(self.qualities, self.ratio), strict=True):
            if row[0] < 0 or any(b < a - _SLACK for a, b in pairwise((0.0, *slopes))):
                raise InputError(f"sizes of a class must rise and be convex in quality, got {row}")


_SLACK = 1e-9
"""Of slopes, for rounding."""


def _slopes(qualities: tuple[int, ...], rows: tuple[tuple[float, ...], ...]) -> list[list[float]]:
    """Change per unit of quality between neighbours, row by row. Raises `InputError` on lengths or order."""
    if not qualities or list(qualities) != sorted(set(qualities)):
        raise InputError(f"qualities must rise, got {qualities}")
    for row in rows:
        if len(row) != len(qualities):
            raise InputError(f"a row of {len(qualities)} qualities needs {len(qualities)} numbers, got {len(row)}")
    steps = [right - left for left, right in pairwise(qualities)]
    return [[(b - a) / step for (a, b), step in zip(pairwise(row), steps, strict=True)] for row in rows]


@dataclass(frozen=True, kw_only=True)
class AccuracyLine:
    """Equation 4: accuracy = sum_c w_c q_c + b, with weights that are not negative, or `InputError`."""

    weights: tuple[float, ...]
    """w_c, per unit of JPEG quality, one for each class."""
    bias: float

    def __post_init__(self) -> None:
        if not self.weights or min(self.weights) < 0:
            raise InputError(f"accuracy needs one weight of at least 0 per class, got {self.weights}")


@dataclass(frozen=True, kw_only=True)
class AccuracyTable:
    """Accuracy by class and quality: accuracy = bias + sum_c worth[c](q_c).

    Each row rises with quality, by steps that never grow per unit of quality (concave), or `InputError`: the first
    bytes are worth most.
    """

    qualities: tuple[int, ...]
    """Rising."""
    worth: tuple[tuple[float, ...], ...]
    """One row per class, one column per quality."""
    bias: float

    def __post_init__(self) -> None:
        for row, slopes in zip(self.worth, _slopes(self.qualities, self.worth), strict=True):
            if any(b > a + _SLACK for a, b in pairwise((*slopes, 0.0))):
                raise InputError(f"accuracies of a class must rise and be concave in quality, got {row}")


@dataclass(frozen=True, kw_only=True)
class ClassProfile:
    """All that the scheduler knows about content and codec before it sees a frame."""

    line: SizeLine
    """The paper's size profiler."""
    table: SizeTable
    """The same by class and quality."""
    accuracy: AccuracyLine
    """The paper's accuracy profiler."""
    accuracy_table: AccuracyTable
    """The same by class and quality."""
    original_per_thumbnail: float
    """Bytes of a frame at the top quality for each byte of its thumbnail, on profiling frames."""
    detail_exponent: float = 1.0
    """From one frame to another the original size grows as this power of the thumbnail's."""
    provenance: Provenance | None = None
    quality_of_fit: dict[str, float] = field(default_factory=dict)
    """Figures on scenes that the fit has not seen."""
    importance: ImportanceWish | None = None
    """How patches became classes where this was measured; None where nobody said."""
