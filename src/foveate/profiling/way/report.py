"""What was measured of the way of a frame: rows of a table, ready for JSON."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Row:
    """One stage: milliseconds, and the least that this machine could take for it where that is known."""

    end: str
    """`device`, `server` or `ceiling`."""
    stage: str
    case: str
    """Which regions are low and where they are restored; empty where neither matters."""
    ms: float
    """Median over rounds."""
    low_ms: float
    """Tenth percentile."""
    high_ms: float
    """Ninetieth percentile."""
    ceiling: str = ""
    """What the least is taken from."""
    ceiling_ms: float | None = None
    """The least, from the same rounds."""
    products_ms: float | None = None
    """The least if all operations ran at the rate of matrix products; of the backbone alone."""

    @property
    def share(self) -> float | None:
        """Share of the ceiling that is reached, 0..1 and above where the bound is not tight."""
        return None if self.ceiling_ms is None else self.ceiling_ms / self.ms

    @classmethod
    def of(
        cls,
        end: str,
        stage: str,
        seconds: Sequence[float],
        *,
        case: str = "",
        ceiling: str = "",
        ceiling_s: float | None = None,
        products_s: float | None = None,
    ) -> "Row":
        """From the seconds of all rounds."""
        low, middle, high = 1e3 * np.percentile(seconds, (10, 50, 90))
        return cls(
            end=end,
            stage=stage,
            case=case,
            ms=float(middle),
            low_ms=float(low),
            high_ms=float(high),
            ceiling=ceiling,
            ceiling_ms=None if ceiling_s is None else 1e3 * ceiling_s,
            products_ms=None if products_s is None else 1e3 * products_s,
        )


@dataclass(frozen=True, kw_only=True)
class Way:
    """All stages of a frame on one machine."""

    machine: str
    """Processor, cores, threads and versions."""
    model: str
    frame_size: tuple[int, int]
    """`(height, width)`, pixels."""
    rounds: int
    objects: int
    """Tracked."""
    rows: tuple[Row, ...]
    model_stages: tuple[str, ...]
    """Which of the stages lie inside an inference, in order."""
    rates: dict[str, float]
    """Ceilings of this machine: operations, bytes or pixels per second, by name."""
    peak_bytes: int
    """Most memory that the process held."""
