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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from timing import machine

from foveate.codec import VideoReader, is_image, is_video, read_image
from foveate.core import Pixels
from foveate.evaluation.cards.restoration import KINDS, Cell, all_cells, measure_cells, restoration_table, summarise
from foveate.evaluation.labelled import only_classes, open_labelled
from foveate.metrics import Truth
from foveate.models import MixedDetector, load_detector


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
                done[name] = what | {
                    "frame": name,
                    "cells": measure_cells(detector, pixels, truth, cells, options.seed),
                }
                file.write(json.dumps(done[name]) + "\n")
                file.flush()
                print(f"{len(done)} frames done", flush=True)
    table = summarise([entry["cells"] for entry in done.values()], cells)
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


def _cells(options: argparse.Namespace, detector: MixedDetector) -> list[Cell]:
    kinds = ["empty"] if options.no_random else list(KINDS)
    return all_cells(options.points or list(detector.restoration_points), kinds=kinds, shares=options.shares)


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


def markdown(rows: list[dict[str, Any]], frames: int) -> str:
    """F1 and speed-up as a table: a line per kind and share, a column per restoration point."""
    lines = [f"F1 against the model's own full resolution / speed-up; {frames} frames.", "", *restoration_table(rows)]
    if "exact_f1" in rows[0]:
        lines += ["", f"F1 against exact truth at full resolution: {rows[0]['exact_f1_full']:.3f}; mixed:", ""]
        for row in rows:
            what = f"{row['share']} % of {KINDS[row['kind']]}, beta {row['point']}"
            lines.append(f"- {what}: {row['exact_f1']:.3f}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
