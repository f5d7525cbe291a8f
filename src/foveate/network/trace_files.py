"""The two file formats of uplink traces: CSV rows of rate and ping, and mahimahi's delivery opportunities."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foveate.core import MediaError

Steps = tuple[NDArray[np.float64], NDArray[np.float64], float]
"""Rates `(n,)` in bits per second, round trips `(n,)` in seconds, length of a step in seconds."""

MAHIMAHI_RTT_S = 0.04
"""Round-trip time of a mahimahi file, which holds none."""

_PACKET_BITS = 1500 * 8
_MOST_DIGITS = 7
"""Of a stamp: 2.7 hours. Every millisecond takes memory, so one damaged line must not ask for all there is."""
_COLUMNS = ["t_s", "uplink_mbps", "rtt_ms"]


def read_steps(path: Path, *, rtt_s: float) -> Steps:
    """Read a trace file, mahimahi if its suffix is `.up`. Raises `MediaError` that names file and line."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()  # spreadsheets begin a file with a mark
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not a text file"
        raise MediaError(f"cannot read trace {path}: {reason}") from error
    try:
        return _mahimahi(lines, rtt_s) if path.suffix == ".up" else _csv(lines)
    except _BadLineError as error:
        raise MediaError(f"{path}:{error}") from error


class _BadLineError(Exception):
    """A line of a trace file that cannot be used; lines count from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"{line}: {message}")


def _csv(lines: Sequence[str]) -> Steps:
    numbered = _csv_rows(lines)
    header = numbered[0][1] if numbered else []
    if header != _COLUMNS:
        raise _BadLineError(1, f"expected the header {','.join(_COLUMNS)}, got {','.join(header)!r}")
    rows = [_csv_row(number, row) for number, row in numbered[1:]]
    if len(rows) < 2:
        raise _BadLineError(len(lines), "expected at least two rows, which tell the length of a step")
    table = np.array(rows)
    step_s = round(rows[-1][0] / (len(rows) - 1), 9)
    uneven = np.abs(table[:, 0] - np.arange(len(rows)) * step_s) > 0.01 * step_s
    if step_s <= 0 or uneven.any():
        raise _BadLineError(numbered[1 + _first_uneven(table[:, 0])][0], "t_s must rise from 0 in equal steps")
    return table[:, 1] * 1e6, table[:, 2] * 1e-3, step_s


def _first_uneven(times: NDArray[np.float64]) -> int:
    """The first row that does not follow the one before it by the usual step; 0 where it is the very first."""
    steps = np.diff(times)
    usual = float(np.median(steps))
    wrong = np.abs(steps - usual) > 0.01 * usual if usual > 0 else steps <= 0
    return 0 if times[0] else 1 + int(wrong.argmax())


def _csv_rows(lines: Sequence[str]) -> list[tuple[int, list[str]]]:
    """Cells of each line that has any, and its number."""
    reader = csv.reader(lines)
    try:
        return [(reader.line_num, [cell.strip() for cell in row]) for row in reader if row]
    except csv.Error as error:
        raise _BadLineError(reader.line_num, f"this is no line of a table: {error}") from error


def _csv_row(number: int, row: list[str]) -> list[float]:
    try:
        values = [float(value) for value in row]
    except ValueError:
        values = []
    if len(values) != len(_COLUMNS) or not all(value >= 0 and math.isfinite(1e6 * value) for value in values):
        raise _BadLineError(number, f"expected three numbers of 0 or more, got {','.join(row)!r}")
    return values


def _mahimahi(lines: Sequence[str], rtt_s: float) -> Steps:
    """One step per millisecond: an opportunity stamped k ms is spread over the millisecond that ends there.

    So opportunities are counted in bytes (small packets share one), and the trace lasts until its last stamp.
    """
    stamps = np.array([_stamp(number, line) for number, line in enumerate(lines, 1)], np.int64)
    falling = np.flatnonzero(np.diff(stamps) < 0)
    if len(falling):
        raise _BadLineError(int(falling[0]) + 2, "stamps must not fall")
    if not len(stamps) or stamps[-1] == 0:
        raise _BadLineError(max(1, len(lines)), "expected millisecond stamps, the last one above 0")
    opportunities = np.bincount(np.maximum(stamps - 1, 0), minlength=stamps[-1]).astype(np.float64)
    return opportunities * (_PACKET_BITS * 1e3), np.full(stamps[-1], rtt_s), 1e-3


def _stamp(number: int, line: str) -> int:
    digits = line.strip()
    if not digits.isdecimal():
        raise _BadLineError(number, f"expected one whole number of milliseconds, got {line!r}")
    if len(digits) > _MOST_DIGITS:
        raise _BadLineError(number, f"expected a stamp of at most {_MOST_DIGITS} digits, got {line!r}")
    return int(digits)
