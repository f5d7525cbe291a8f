"""What the quality of each importance class costs and is worth (Hyperion, equations 3 and 4): plain numbers."""

from dataclasses import dataclass

from foveate.core.errors import InputError
from foveate.core.profiles import Provenance


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
        if list(self.qualities) != sorted(set(self.qualities)) or not self.qualities:
            raise InputError(f"qualities must rise, got {self.qualities}")
        for row in self.ratio:
            if len(row) != len(self.qualities):
                raise InputError(f"a row of sizes needs {len(self.qualities)} numbers, got {len(row)}")
            slopes = _slopes(self.qualities, row)
            if row[0] < 0 or any(b < a - 1e-9 for a, b in zip((0.0, *slopes), slopes, strict=False)):
                raise InputError(f"sizes of a class must rise and be convex in quality, got {row}")


def _slopes(at: tuple[int, ...], values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(
        (after - before) / (right - left)
        for left, right, before, after in zip(at, at[1:], values, values[1:], strict=False)
    )


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
class ClassProfile:
    """All that the scheduler knows about content and codec before it sees a frame."""

    line: SizeLine
    """The paper's size profiler."""
    table: SizeTable
    """The same by class and quality."""
    accuracy: AccuracyLine
    original_per_thumbnail: float
    """Bytes of a frame at the top quality for each byte of its thumbnail, on profiling frames."""
    detail_exponent: float = 1.0
    """From one frame to another the original size grows as this power of the thumbnail's."""
    provenance: Provenance | None = None
    quality_of_fit: dict[str, float] | None = None
    """Figures on scenes that the fit has not seen."""
