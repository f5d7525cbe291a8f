"""What a cell leaves: figures, one row per displayed frame, one row per offload."""

from dataclasses import dataclass, field
from typing import Any

from foveate.device import recorder
from foveate.evaluation.lab.references import REFERENCES

Value = float | int | str | None
Row = tuple[Value, ...]

COUNTS = tuple(f"{kind}_{reference}" for reference in REFERENCES for kind in ("tp", "fp", "fn"))
FRAME_COLUMNS = ("frame", "position", "displayed_at", "source_frame", "staleness_s", "objects", *COUNTS)
OFFLOAD_COLUMNS = (*recorder.OFFLOAD_COLUMNS, *COUNTS)


@dataclass(frozen=True, kw_only=True)
class CellResult:
    """Of one cell. Spans are seconds, sizes bytes; a figure without observations is None."""

    figures: dict[str, Value]
    """By name, one row of `cells.csv`."""
    frames: list[Row]
    """In the order of `FRAME_COLUMNS`."""
    offloads: list[Row]
    """In the order of `OFFLOAD_COLUMNS`."""
    objects: list[dict[str, Any]] = field(default_factory=list)
    """Counts by property and bin of objects."""
    choices: list[dict[str, Any]] = field(default_factory=list)
    """How often each value of each part of a configuration was chosen."""
    computed: int = 0
    """How many inferences were not in the cache."""
