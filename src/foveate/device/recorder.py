"""Tables of a run, written line by line while it runs, so that an interrupted run keeps what it has seen.

A disk that is full for a while costs nothing: the picture goes on, and rows wait in memory.
"""

import csv
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from foveate.core import FoveateError
from foveate.device.events import Displayed, OffloadDone
from foveate.device.patient_file import PatientFile

FRAME_COLUMNS = ("frame", "captured_at", "displayed_at", "source_frame", "staleness_s", "objects")
OFFLOAD_COLUMNS = (
    "offload",
    "frame",
    "captured_at",
    "started_at",
    "finished_at",
    "e2e_latency_s",
    "encode_s",
    "uplink_s",
    "queue_s",
    "decode_s",
    "inference_s",
    "downlink_s",
    "rtt_s",
    "bytes",
    "throughput_bps",
    "downsampling_type",
    "downsampled_regions",
    "quality",
    "beta",
    "blanked_regions",
    "frame_scale",
    "choice",
    "objects",
    "failed",
    "reason",
)


class Recorder:
    """Context manager that appends to `frames.csv` and `offloads.csv` in a folder.

    Points in time count from the capture of the first frame. `more_offload_columns` name what else is told of each
    offload. Raises `FoveateError` where the disk refuses at the start; one that is full later is told in one line, rows
    wait until there is room, and leaving the block raises if some never reached it, unless it is left by another error.
    """

    def __init__(self, folder: Path, *, more_offload_columns: Sequence[str] = ()) -> None:
        with ExitStack() as opened:  # what was opened is closed again if something after it fails
            self._frames = opened.enter_context(_Table(folder / "frames.csv", FRAME_COLUMNS))
            self._offloads = opened.enter_context(
                _Table(folder / "offloads.csv", (*OFFLOAD_COLUMNS, *more_offload_columns))
            )
            self._opened = opened.pop_all()
        self._origin: float | None = None

    def displayed(self, event: Displayed) -> None:
        """One row per displayed frame."""
        source = "" if event.source is None else event.source.index
        self._frames.write(
            (
                event.frame.index,
                self._time(event.frame.captured_at),
                self._time(event.displayed_at),
                source,
                _seconds(event.staleness_s),
                len(event.detections),
            )
        )

    def offloaded(self, event: OffloadDone, more: Sequence[Any] = ()) -> None:
        """One row per offload; `more` fills the further columns."""
        row = zip(OFFLOAD_COLUMNS, offload_row(event, self._since(event.captured_at)), strict=True)
        self._offloads.write((*(_written(name, value) for name, value in row), *more))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.__exit__(kind, error, trace)

    def _time(self, when: float) -> str:
        return _seconds(when - self._since(when))

    def _since(self, when: float) -> float:
        """The first point in time that was told of: all others count from it."""
        if self._origin is None:
            self._origin = when
        return self._origin


def offload_row(event: OffloadDone, origin: float) -> tuple[float | int | str | None, ...]:
    """What `OFFLOAD_COLUMNS` name of an offload; points in time count from `origin`, seconds."""
    record, plan = event.record, event.record.plan
    return (
        record.offload_id,
        record.frame_index,
        event.captured_at - origin,
        record.started_at - origin,
        record.finished_at - origin,
        record.e2e_latency_s,
        record.encode_s,
        record.uplink_s,
        record.queue_s,
        record.decode_s,
        record.inference_s,
        record.downlink_s,
        record.rtt_s,
        record.payload_bytes,
        None if record.failed else round(record.throughput_bps),
        plan.downsampling_type,
        plan.downsampled_regions,
        plan.jpeg_quality,
        plan.restoration_point,
        plan.blanked_regions,
        plan.frame_scale,
        plan.reason,
        None if event.result is None else len(event.result),
        int(record.failed),
        event.reason,
    )


class _Table:
    """A CSV file whose every row reaches the file as soon as the disk takes it."""

    def __init__(self, path: Path, columns: Iterable[str]) -> None:
        self._file = PatientFile(path)
        self._writer = csv.writer(self._file, lineterminator="\n")
        self.write(columns)
        try:
            self._file.check()
        except FoveateError:
            self._file.__exit__(FoveateError, None, None)
            raise

    def write(self, row: Iterable[Any]) -> None:
        self._writer.writerow(row)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.__exit__(kind, error, trace)


def _seconds(span: float | None) -> str:
    return "" if span is None else f"{span:.6f}"


def _written(name: str, value: float | int | str | None) -> str | int:
    """A cell of the table: spans and points in time to a microsecond, other fractions as short as they are."""
    if value is None:
        return ""
    if isinstance(value, float):
        return _seconds(value) if name.endswith(("_s", "_at")) else f"{value:g}"
    return value
