"""What mixed resolution costs in accuracy and saves in time: F1 against the model's own full resolution, and speed-up.

Regions without an object are downsampled in random order, so that a larger share holds the smaller ones, and a second
time regions at random, objects included.
"""

import itertools
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from foveate.core import Detections, Mask, Pixels, RegionGrid, split_regions
from foveate.evaluation.cards.computer import accelerator
from foveate.metrics import Counts, F1Counter, Truth
from foveate.models import MixedDetector

KINDS = {"empty": "regions without an object", "any": "regions at random"}
SHARES = (25, 50, 75)
"""Percent of the regions of a kind."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One way to downsample a frame."""

    kind: str
    """Key of `KINDS`."""
    share: int
    """Of the regions of that kind, percent."""
    point: int
    """Restoration point."""

    @property
    def name(self) -> str:
        """Its key in files."""
        return f"{self.kind} {self.share} {self.point}"


def all_cells(
    points: Sequence[int], *, kinds: Sequence[str] = tuple(KINDS), shares: Sequence[int] = SHARES
) -> list[Cell]:
    """Every combination, cells of one mask side by side."""
    return [Cell(kind=k, share=s, point=p) for k in kinds for s in shares for p in points]


def measure_cells(
    detector: MixedDetector, pixels: Pixels, truth: Truth | None, cells: Sequence[Cell], seed: int = 0
) -> dict[str, dict[str, Any]]:
    """Counts, seconds and share of regions of one frame in each cell; full resolution is timed before each mask."""
    grid = detector.region_grid(*pixels.shape[:2])
    full, nothing = detector.detect_batch([pixels])[0], np.zeros(grid.shape, np.bool_)
    results: dict[str, dict[str, Any]] = {}
    for (kind, share), group in itertools.groupby(cells, key=lambda cell: (cell.kind, cell.share)):
        mask = mask_of(kind, share, grid, full, seed)
        full_s, _ = _timed(detector, pixels, nothing, 0)
        for cell in group:
            mixed_s, found = _timed(detector, pixels, mask, cell.point)
            entry: dict[str, Any] = {"own": _counts(found, Truth(detections=full)), "regions": float(mask.mean())}
            if truth is not None:
                entry |= {"exact": _counts(found, truth), "exact_full": _counts(full, truth)}
            results[cell.name] = entry | {"full_s": full_s, "mixed_s": mixed_s}
    return results


def mask_of(kind: str, share: int, grid: RegionGrid, full: Detections, seed: int) -> Mask:
    """The regions to downsample: the same order for every share, so that larger shares hold the smaller ones."""
    order = np.random.default_rng((seed, len(grid))).permutation(len(grid))
    if kind == "empty":
        order = order[~grid.overlapping(full.boxes).flatten()[order]]
    mask = np.zeros(len(grid), np.bool_)
    mask[order[: round(share / 100 * len(order))]] = True
    return mask.reshape(grid.shape)


def summarise(frames: Sequence[dict[str, Any]], cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """One row per cell of frames by `measure_cells`: F1 over all of them, speed-up as the median of ratios in a frame.

    `objects`: what the model finds at full resolution.
    """
    rows = []
    for cell in cells:
        entries = [frame[cell.name] for frame in frames]
        row: dict[str, Any] = {"kind": cell.kind, "share": cell.share, "point": cell.point}
        row["regions"] = statistics.fmean(e["regions"] for e in entries)
        row["f1"] = _f1(entries, "own")
        row["objects"] = sum(entry["own"][0] + entry["own"][2] for entry in entries)
        row["speedup"] = statistics.median(e["full_s"] / e["mixed_s"] for e in entries)
        if all("exact" in entry for entry in entries):
            row |= {"exact_f1": _f1(entries, "exact"), "exact_f1_full": _f1(entries, "exact_full")}
        rows.append(row)
    return rows


def restoration_table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """F1 and speed-up in Markdown: a line per kind and share, a column per restoration point."""
    points = sorted({row["point"] for row in rows})
    lines = [
        "| downsampled | of all regions | " + " | ".join(f"beta {point}" for point in points) + " |",
        "|---" * (2 + len(points)) + "|",
    ]
    for kind, share in dict.fromkeys((row["kind"], row["share"]) for row in rows):
        of_line = {row["point"]: row for row in rows if (row["kind"], row["share"]) == (kind, share)}
        cells = [f"{of_line[p]['f1']:.3f} / {of_line[p]['speedup']:.2f}" for p in points]
        regions = next(iter(of_line.values()))["regions"]
        lines.append(f"| {share} % of {KINDS[kind]} | {100 * regions:.0f} % | " + " | ".join(cells) + " |")
    return lines


def _timed(detector: MixedDetector, pixels: Pixels, mask: Mask, point: int) -> tuple[float, Detections]:
    """Seconds from tiles to boxes, as a server sees frames, and the boxes.

    Processor time, which other work on the machine hardly lengthens; wall clock where an accelerator does the work.
    """
    frame = split_regions(pixels, detector.region_grid(*pixels.shape[:2]), mask)
    clock = time.process_time if accelerator() is None else time.perf_counter
    began_at = clock()
    found = detector.detect_batch([frame], restoration_points=[point])[0]
    return clock() - began_at, found


def _counts(found: Detections, truth: Truth) -> list[int]:
    counter = F1Counter()
    counts = counter.add(found, truth.detections, ignore=truth.ignore, ignore_class=truth.ignore_class)
    return [counts.tp, counts.fp, counts.fn]


def _f1(entries: Sequence[dict[str, Any]], key: str) -> float:
    tp, fp, fn = (sum(entry[key][i] for entry in entries) for i in range(3))
    return Counts(tp=tp, fp=fp, fn=fn).f1
