"""How large a share of important patches a region may hold that `hyperion-mixed` downsamples: what it saves and costs.

    python benchmarks/hyperion_allowed.py --scenes DIR [--importance attention|boxes] [--subsets 1] [--scale log]

DIR as for `bench_hyperion.py`; profiling scenes alone are looked at. For each share: regions of the frame that are
downsampled, and F1 against exact truth on the picture of 1152 x 1152 (4 x 4 regions) with the most whole objects, JPEG
of quality 90, restoration point 2. Cost: a pass on such a picture for each share and scene. Expected: docs/results.md.
"""

import argparse
from pathlib import Path

import numpy as np
from bench_hyperion import classes_of, frame_of, profiling_scenes
from rich.console import Console
from rich.table import Table

from foveate.codec import decode_jpeg, encode_jpeg
from foveate.core import Mask, Pixels, RegionGrid
from foveate.metrics import Counts, F1Counter, Truth, read_coco, with_ignore_rules
from foveate.models import load_detector
from foveate.models.mixed_detector import MixedDetector
from foveate.policies.answering.hyperion_mixed import unimportant_regions

SHARES = (-1.0, 0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
"""The first downsamples nothing, the last everything."""
SIDE = 4
"""Of the picture, regions."""
BETA = 2


def main() -> None:
    """One row for each share."""
    options = parsed()
    detector = load_detector(options.model)
    downsampled: dict[float, list[float]] = {share: [] for share in SHARES}
    inside: dict[float, list[float]] = {share: [] for share in SHARES}
    counts = {share: Counts() for share in SHARES}
    for scene in options.scenes:
        pixels, classes = frame_of(scene), classes_of(scene, options)
        grid = detector.region_grid(*pixels.shape[:2])
        truth = with_ignore_rules(read_coco(scene.with_suffix(".json"))[0].truth, frame_height=pixels.shape[0])
        row, column = busiest(truth, grid)
        known: dict[bytes, Counts] = {}
        for share in SHARES:
            mask = unimportant_regions(classes, grid, allowed=share)
            part = np.ascontiguousarray(mask[row : row + SIDE, column : column + SIDE])
            if part.tobytes() not in known:
                known[part.tobytes()] = judged(detector, pixels, truth, (row, column), part)
            counts[share] += known[part.tobytes()]
            downsampled[share].append(float(mask.mean()))
            inside[share].append(float(part.mean()))
    table = Table("allowed", "regions downsampled", "in the picture", "F1", title=f"{len(options.scenes)} scenes")
    for share in SHARES:
        shares = (f"{np.mean(found[share]):.3f}" for found in (downsampled, inside))
        table.add_row("none" if share < 0 else f"{share:g}", *shares, f"{counts[share].f1:.3f}")
    Console(width=100).print(table)


def busiest(truth: Truth, grid: RegionGrid) -> tuple[int, int]:
    """Row and column of the first region of the picture that holds the most whole objects."""
    boxes, side = truth.detections.boxes, SIDE * grid.region_pixels

    def whole(place: tuple[int, int]) -> int:
        top, left = place[0] * grid.region_pixels, place[1] * grid.region_pixels
        return int(((boxes[:, :2] >= (left, top)) & (boxes[:, 2:] <= (left + side, top + side))).all(axis=1).sum())

    places = [(row, column) for row in range(grid.shape[0] - SIDE) for column in range(grid.shape[1] - SIDE)]
    return max(places, key=whole)


def judged(
    detector: MixedDetector,
    pixels: Pixels,
    truth: Truth,
    place: tuple[int, int],
    mask: Mask,
) -> Counts:
    """Hits and errors on the picture; what its border cuts counts for nothing."""
    unit = detector.region_grid(*pixels.shape[:2]).region_pixels
    top, left, side = place[0] * unit, place[1] * unit, SIDE * unit
    picture = np.ascontiguousarray(pixels[top : top + side, left : left + side])
    seen = decode_jpeg(encode_jpeg(picture, quality=90), size=picture.shape[:2])
    some = bool(mask.any())
    found = detector.detect(seen, mask if some else None, BETA if some else None).moved(top, left)
    boxes = truth.detections.boxes
    whole = ((boxes[:, :2] >= (left, top)) & (boxes[:, 2:] <= (left + side, top + side))).all(axis=1)
    touched = ((boxes[:, 2:] > (left, top)) & (boxes[:, :2] < (left + side, top + side))).all(axis=1)
    ignored = np.concatenate([truth.ignore, boxes[touched & ~whole]])
    return F1Counter().add(found, truth.detections.select(whole), ignore=ignored)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=Path, required=True, help="folder of rendered scenes")
    parser.add_argument("--most", type=int, default=8, help="number of scenes")
    parser.add_argument("--model", default="vitdet-tiny-world")
    parser.add_argument("--subsets", type=int, nargs="*", help="global blocks whose attention counts; default the last")
    parser.add_argument("--importance", choices=("attention", "boxes"), default="attention")
    parser.add_argument("--scale", choices=("linear", "log"), default="linear", help="of importance, for classes")
    options = parser.parse_args()
    options.scenes = profiling_scenes(options.scenes)[: options.most]
    return options


if __name__ == "__main__":
    main()
