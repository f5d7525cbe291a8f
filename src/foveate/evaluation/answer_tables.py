"""`answers.csv`: one row per answered frame, written as it comes."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from foveate.core import FoveateError
from foveate.device import Recorder
from foveate.evaluation.answer_log import Given

COLUMNS = (
    "frame",
    "captured_at",
    "answered_at",
    "latency_s",
    "look_s",
    "made_of",
    "valid",
    "objects",
    "bytes",
    "expected_bytes",
    "budget_bytes",
    "qualities",
    "pictures",
    "class_shares",
    "reason",
)


class AnswerTable:
    """Context manager that appends to `answers.csv` in a folder; time counts from the first capture told of."""

    def __init__(self, folder: Path) -> None:
        path = folder / "answers.csv"
        try:
            self._file = path.open("w", newline="", encoding="utf-8", buffering=1)
        except OSError as error:
            raise FoveateError(f"cannot write {path}: {error.strerror or error}") from error
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(COLUMNS)
        self._origin: float | None = None

    def answered(self, given: Given) -> None:
        """One row."""
        self._origin = given.captured_at if self._origin is None else self._origin
        self._writer.writerow(answer_row(given, self._origin))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


@contextmanager
def answer_tables(folder: Path, *, more_offload_columns: Sequence[str] = ()) -> Iterator[tuple[Recorder, AnswerTable]]:
    """All tables of a run of answered frames, in a folder."""
    with Recorder(folder, more_offload_columns=more_offload_columns) as recorder, AnswerTable(folder) as answers:
        yield recorder, answers


def answer_row(given: Given, origin: float) -> tuple[str | int, ...]:
    """What `COLUMNS` name."""
    return (
        given.frame,
        _number(given.captured_at - origin),
        _number(given.answered_at - origin),
        _number(given.latency_s),
        _number(given.look_s),
        given.made_of,
        int(given.valid),
        len(given.detections),
        given.payload_bytes,
        "" if given.expected_bytes is None else round(given.expected_bytes),
        "" if given.budget_bytes is None else round(given.budget_bytes),
        "/".join(map(str, given.qualities)),
        given.pictures,
        "/".join(f"{share:.4f}" for share in given.class_shares),
        given.reason,
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6f}"
