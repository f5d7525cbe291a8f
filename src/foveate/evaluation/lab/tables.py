"""The tables of an experiment: every cell, every offload, every displayed frame, as CSV and, if wanted, as Parquet."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from foveate.core import FoveateError, MediaError
from foveate.evaluation.lab.experiment import Contender
from foveate.evaluation.lab.references import REFERENCES
from foveate.evaluation.lab.result import FRAME_COLUMNS, OFFLOAD_COLUMNS, Row, Value
from foveate.evaluation.lab.store import Stored
from foveate.metrics import Counts

Labelled = tuple[Contender, Stored]
Record = dict[str, Value]


def write_tables(cells: Sequence[Labelled], out: Path, *, parquet: bool) -> None:
    """`cells.csv`, `offloads.csv`, `frames.csv`, `objects.csv`, `choices.csv`. Raises `MediaError` on a full disk."""
    records = cell_records(cells)
    tables: dict[str, tuple[Sequence[str], Iterable[Record]]] = {
        "cells": (list(dict.fromkeys(name for record in records for name in record)), records),
        "offloads": ((*_NAMES, *OFFLOAD_COLUMNS), _rows(cells, OFFLOAD_COLUMNS, "offloads")),
        "frames": ((*_NAMES, *FRAME_COLUMNS), _rows(cells, FRAME_COLUMNS, "frames")),
        "objects": ((*_NAMES, "property", "bin", "tp", "fp", "fn"), _listed(cells, "objects")),
        "choices": ((*_NAMES, "part", "value", "count"), _listed(cells, "choices")),
    }
    for name, (columns, rows) in tables.items():
        path = out / f"{name}.csv"
        try:
            _write_csv(path, columns, rows)
        except OSError as error:
            raise MediaError(f"cannot write {path}: {error.strerror}") from error
        if parquet:
            _to_parquet(path)


def cell_records(cells: Sequence[Labelled]) -> list[Record]:
    """One record per contender and cell, with what can only be said beside the other contenders."""
    starts = common_starts(cells)
    return [
        {
            **_identity(contender, stored),
            **stored.result.figures,
            "common_start_frame": starts.get(stored.cell.group),
            **_after_start(stored, starts.get(stored.cell.group)),
        }
        for contender, stored in cells
    ]


def common_starts(cells: Iterable[Labelled]) -> dict[tuple[str, ...], int]:
    """By group of cells, the first frame in which every contender shows a result; absent where one never does."""
    firsts: defaultdict[tuple[str, ...], list[Value]] = defaultdict(list)
    for _, stored in cells:
        firsts[stored.cell.group].append(stored.result.figures["first_result_frame"])
    return {
        group: max(int(first) for first in found if first is not None)
        for group, found in firsts.items()
        if all(first is not None for first in found)
    }


def counts_from(frames: Sequence[Row], reference: str, start: int) -> Counts | None:
    """Sums over frame rows from frame `start` on; None without this reference."""
    at = FRAME_COLUMNS.index(f"tp_{reference}")
    rows = [row[at : at + 3] for row in frames if _int(row[0]) >= start and row[at] is not None]
    if not rows:
        return None
    tp, fp, fn = (sum(_int(value) for value in column) for column in zip(*rows, strict=True))
    return Counts(tp=tp, fp=fp, fn=fn)


def _after_start(stored: Stored, start: int | None) -> Record:
    """Rendering F1 from the first result of the slowest contender."""
    found: Record = {}
    for reference in REFERENCES:
        counts = None if start is None else counts_from(stored.result.frames, reference, start)
        if counts is not None:
            found[f"rendering_f1_{reference}_after_start"] = counts.f1
    return found


def _identity(contender: Contender, stored: Stored) -> Record:
    cell = stored.cell
    return {
        "contender": contender.label,
        "policy": cell.policy,
        "video": cell.clip.name,
        "kind": cell.clip.kind,
        "model": cell.model.name,
        "trace": cell.trace.name,
        "trace_group": cell.trace.group,
        "trace_scale": cell.trace.scale,
        "recording": cell.trace.cluster,
        "transport": cell.transport,
        "machine": cell.timing.label,
        "offset_number": cell.offset_number,
        "offset_s": cell.offset_s,
        "seed": cell.seed,
        "cell": cell.key,
    }


_NAMES = ("contender", "video", "trace", "trace_group", "transport", "machine", "offset_number", "cell")


def _rows(cells: Sequence[Labelled], columns: Sequence[str], table: str) -> Iterator[Record]:
    for contender, stored in cells:
        head = {name: value for name, value in _identity(contender, stored).items() if name in _NAMES}
        rows: Sequence[Row] = getattr(stored.result, table)
        for row in rows:
            yield {**head, **dict(zip(columns, row, strict=True))}


def _listed(cells: Sequence[Labelled], table: str) -> Iterator[Record]:
    for contender, stored in cells:
        head = {name: value for name, value in _identity(contender, stored).items() if name in _NAMES}
        entries: Sequence[Mapping[str, Any]] = getattr(stored.result, table)
        for entry in entries:
            yield {**head, **entry}


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Record]) -> None:
    """A table without rows has its head all the same; None is an empty field."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(_plain(row) for row in rows)


def _plain(record: Record) -> Record:
    """Microseconds and millionths are enough of any figure."""
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in record.items()}


_WORDS = ("contender", "policy", "video", "model", "trace", "trace_group", "recording", "machine", "cell", "value")
"""Columns that stay text whatever stands in them: a clip may be called `001`."""


def _to_parquet(path: Path) -> None:
    try:
        from pyarrow import csv as arrow_csv  # noqa: PLC0415  # only who asks for Parquet needs it
        from pyarrow import parquet, string  # noqa: PLC0415
    except ImportError as error:
        raise FoveateError("Parquet needs pyarrow: pip install 'foveate[parquet]'") from error
    kept = arrow_csv.ConvertOptions(column_types=dict.fromkeys(_WORDS, string()))
    parquet.write_table(arrow_csv.read_csv(path, convert_options=kept), path.with_suffix(".parquet"))


def _int(value: Value) -> int:
    assert isinstance(value, int)
    return value
