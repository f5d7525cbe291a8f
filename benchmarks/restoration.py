"""What mixed resolution costs in accuracy and saves in time: F1 against the model's own full resolution, and speed-up.

    python benchmarks/restoration.py --images src/foveate/samples/street.mp4 --every 60 --out out/restoration

For 25, 50 and 75 % of the regions without an object (in random order) and every restoration point; a second row takes
regions at random, objects included. Both truth and answers are detections at the model's score threshold. `--images`
is a clip, a folder of pictures, or both with `--annotations` (a COCO file, whose F1 is added). What is done is kept
frame by frame in OUT/frames.jsonl: the same command goes on after an interruption. OUT/restoration.json and
OUT/restoration.md hold the tables.

Cost: per frame 37 inferences, about 20 s of processor time at 720p; `--shares 50 --points 4 --no-random` needs 3, and
`--frames 10` bounds the rest. Expected: docs/results.md.
"""

import argparse
import itertools
import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from timing import machine

from foveate.codec import VideoReader, is_image, is_video, read_image
from foveate.core import Detections, Mask, Pixels, RegionGrid, split_regions
from foveate.evaluation.labelled import only_classes, open_labelled
from foveate.metrics import Counts, F1Counter, Truth
from foveate.models import Detector, load_detector

KINDS = {"empty": "regions without an object", "any": "regions at random"}


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


def main() -> None:
    """Measure what is missing, then write and print the tables."""
    options = _options()
    torch.set_num_threads(options.threads)
    detector = load_detector(options.model)
    cells = _cells(options, detector)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "frames.jsonl"
    what = {"model": detector.name, "weights": detector.weights_hash, "seed": options.seed}
    done = _known(path, what, cells)
    with path.open("a") as file:
        for name, pixels, truth in _frames(options, detector.class_names):
            if name not in done:
                done[name] = what | {"frame": name, "cells": measure(detector, pixels, truth, cells, options.seed)}
                file.write(json.dumps(done[name]) + "\n")
                file.flush()
                print(f"{len(done)} frames done", flush=True)
    table = summarise(list(done.values()), cells)
    report = what | {"threshold": detector.score_threshold, "machine": machine(), "frames": len(done), "rows": table}
    (options.out / "restoration.json").write_text(json.dumps(report, indent=1) + "\n")
    text = markdown(table, len(done))
    (options.out / "restoration.md").write_text(text)
    print(text)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True, help="a clip or a folder of pictures")
    parser.add_argument("--annotations", type=Path, help="COCO file of the true objects")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", default="vitdet-tiny-world")
    parser.add_argument("--every", type=int, default=1, help="look at every n-th picture or frame")
    parser.add_argument("--frames", type=int, help="look at so many at most")
    parser.add_argument("--shares", type=int, nargs="+", default=[25, 50, 75], help="percent")
    parser.add_argument("--points", type=int, nargs="+", help="restoration points; default all")
    parser.add_argument("--no-random", action="store_true", help="leave out the regions at random")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def _cells(options: argparse.Namespace, detector: Detector) -> list[Cell]:
    kinds = ["empty"] if options.no_random else list(KINDS)
    points = options.points or list(detector.restoration_points)
    return [Cell(kind=k, share=s, point=p) for k in kinds for s in options.shares for p in points]


def _known(path: Path, what: dict[str, Any], cells: list[Cell]) -> dict[str, dict[str, Any]]:
    """Frames that an earlier call measured with the same weights and seed, and in all cells."""
    known: dict[str, dict[str, Any]] = {}
    for line in path.read_text().splitlines() if path.is_file() else []:
        try:
            entry = json.loads(line)
        except ValueError:  # torn by an interruption
            continue
        if what.items() <= entry.items() and {c.name for c in cells} <= entry["cells"].keys():
            known[entry["frame"]] = entry
    return known


def _frames(options: argparse.Namespace, classes: tuple[str, ...]) -> Iterator[tuple[str, Pixels, Truth | None]]:
    """Name, pixels and, if annotated, truth of each frame to look at."""
    frames = _annotated(options, classes) if options.annotations else _plain(options)
    yield from itertools.islice(frames, options.frames)


def _annotated(options: argparse.Namespace, classes: tuple[str, ...]) -> Iterator[tuple[str, Pixels, Truth | None]]:
    labelled = open_labelled(options.annotations, options.images, every=options.every)
    for image, pixels in zip(labelled.images, labelled.pixels(), strict=True):
        name = image.file_name if image.frame is None else str(image.frame)
        yield name, pixels, only_classes(image.truth, classes)


def _plain(options: argparse.Namespace) -> Iterator[tuple[str, Pixels, Truth | None]]:
    if is_video(options.images):
        with VideoReader(options.images) as video:
            for number, pixels in enumerate(video):
                if number % options.every == 0:
                    yield str(number), pixels, None
        return
    for path in sorted(filter(is_image, options.images.iterdir()))[:: options.every]:
        yield path.name, read_image(path), None


def measure(
    detector: Detector, pixels: Pixels, truth: Truth | None, cells: list[Cell], seed: int
) -> dict[str, dict[str, Any]]:
    """Counts, seconds and share of regions of one frame in each cell; full resolution is timed before each mask."""
    grid = detector.region_grid(*pixels.shape[:2])
    full, nothing = detector.detect(pixels), np.zeros(grid.shape, np.bool_)
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


def _timed(detector: Detector, pixels: Pixels, mask: Mask, point: int) -> tuple[float, Detections]:
    """Processor seconds from tiles to boxes, as a server sees frames, and the boxes."""
    frame = split_regions(pixels, detector.region_grid(*pixels.shape[:2]), mask)
    began_at = time.process_time()
    found = detector.detect(frame, restoration_point=point)
    return time.process_time() - began_at, found


def _counts(found: Detections, truth: Truth) -> list[int]:
    counter = F1Counter()
    counts = counter.add(found, truth.detections, ignore=truth.ignore)
    return [counts.tp, counts.fp, counts.fn]


def summarise(frames: list[dict[str, Any]], cells: list[Cell]) -> list[dict[str, Any]]:
    """One row per cell: F1 over all frames, speed-up as the median of ratios within a frame."""
    rows = []
    for cell in cells:
        entries = [frame["cells"][cell.name] for frame in frames]
        row: dict[str, Any] = {"kind": cell.kind, "share": cell.share, "point": cell.point}
        row["regions"] = statistics.fmean(e["regions"] for e in entries)
        row["f1"] = _f1(entries, "own")
        row["speedup"] = statistics.median(e["full_s"] / e["mixed_s"] for e in entries)
        if "exact" in entries[0]:
            row |= {"exact_f1": _f1(entries, "exact"), "exact_f1_full": _f1(entries, "exact_full")}
        rows.append(row)
    return rows


def _f1(entries: list[dict[str, Any]], key: str) -> float:
    tp, fp, fn = (sum(entry[key][i] for entry in entries) for i in range(3))
    return Counts(tp=tp, fp=fp, fn=fn).f1


def markdown(rows: list[dict[str, Any]], frames: int) -> str:
    """F1 and speed-up as a table: a line per kind and share, a column per restoration point."""
    points = sorted({row["point"] for row in rows})
    lines = [
        f"F1 against the model's own full resolution / speed-up; {frames} frames.",
        "",
        "| downsampled | of all regions | " + " | ".join(f"beta {point}" for point in points) + " |",
        "|---" * (2 + len(points)) + "|",
    ]
    for kind, share in dict.fromkeys((row["kind"], row["share"]) for row in rows):
        of_line = {row["point"]: row for row in rows if (row["kind"], row["share"]) == (kind, share)}
        cells = [f"{of_line[p]['f1']:.3f} / {of_line[p]['speedup']:.2f}" for p in points]
        regions = next(iter(of_line.values()))["regions"]
        lines.append(f"| {share} % of {KINDS[kind]} | {100 * regions:.0f} % | " + " | ".join(cells) + " |")
    if "exact_f1" in rows[0]:
        lines += ["", f"F1 against exact truth at full resolution: {rows[0]['exact_f1_full']:.3f}; mixed:", ""]
        for row in rows:
            what = f"{row['share']} % of {KINDS[row['kind']]}, beta {row['point']}"
            lines.append(f"- {what}: {row['exact_f1']:.3f}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
