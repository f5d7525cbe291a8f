"""Numbers and lists in words: counts, enumerations, figures with their intervals."""

from collections.abc import Sequence

from foveate.evaluation.lab.statistics import Interval

DIGITS = 3
"""Of a score: a thousandth of F1 is the least that is worth telling."""


def counted(number: int, noun: str) -> str:
    """`1 clip`, `2 clips`, `12,000 clips`."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def listed(names: Sequence[str]) -> str:
    """`A`, `A and B`, `A, B and C`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def score_text(value: float, *, signed: bool = False, digits: int = DIGITS) -> str:
    """A score, or with its sign a difference of scores; nothing is never negative."""
    rounded = round(value, digits) + 0.0
    return f"{rounded:{'+' if signed else ''}.{digits}f}"


def range_text(found: Interval, *, signed: bool = False) -> str:
    """`0.401 to 0.437`, or of a difference `+0.012 to +0.065`."""
    digits = _digits(found)
    low, high = (score_text(value, signed=signed, digits=digits) for value in (found.low, found.high))
    return f"{low} to {high}"


def interval_text(found: Interval, *, signed: bool = False) -> str:
    """A figure beside its interval: `+0.040 (+0.012 to +0.065)`."""
    return f"{score_text(found.value, signed=signed, digits=_digits(found))} ({range_text(found, signed=signed)})"


def _digits(found: Interval) -> int:
    """One more where a border would read as 0: on which side of 0 it lies is what an interval of a difference tells."""
    borders = (found.low, found.high)
    return DIGITS + any(value != 0 and round(value, DIGITS) == 0 for value in borders)
