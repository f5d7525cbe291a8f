"""How much the device's boxes should weigh in Hyperion's ensemble (equation 6): average precision by weight.

    python benchmarks/hyperion_ensemble.py --scenes DIR [--most N] [--quality Q ...] [--model NAME]

DIR as for `bench_hyperion.py`; profiling scenes alone are looked at. The device looks at half the size, the cloud at
all slices of a JPEG of each quality; AP50 is pooled over the scenes, against exact truth. Cost: 15 to 40 s of a slow
core for each scene and quality, once. Expected: docs/results.md.
"""

import argparse
from pathlib import Path

from bench_hyperion import profiling_scenes
from hyperion_ends import Ends, ends_of, see, whole_frame
from rich.console import Console
from rich.table import Table

from foveate.core import Detections
from foveate.evaluation.lab.references import independent_truths
from foveate.evaluation.lab.segment import FramesByPosition
from foveate.metrics import EnsembleOptions, Truth, average_precision, ensemble

WEIGHTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
Pair = tuple[Detections, Detections, Truth]
"""What the device and the cloud found in a scene, and what is there."""


def main() -> None:
    """One row for each quality, one column for each weight."""
    options = parsed()
    table = Table("quality", "device", "cloud", *(f"{weight:g}" for weight in WEIGHTS))
    ends = ends_of(options)
    for quality in options.qualities:
        pairs = [pair for scene in options.scenes for pair in pairs_of(scene, ends, quality)]
        singly = [(ours, truth) for ours, _, truth in pairs], [(theirs, truth) for _, theirs, truth in pairs]
        alone = [average_precision(found).ap50 for found in singly]
        fused = [ap50(pairs, weight) for weight in WEIGHTS]
        table.add_row(str(quality), *(f"{value:.4f}" for value in (*alone, *fused)))
    table.title = f"AP50 by the device's weight, {len(options.scenes)} scenes, {options.model}"
    Console(width=140).print(table)


def pairs_of(scene: Path, ends: Ends, quality: int) -> list[Pair]:
    """Of each frame of a scene."""
    with FramesByPosition(scene) as frames:
        size = frames.at(0).shape[:2]
        _, truths = next(iter(independent_truths(scene, size=size).items()))
        seen = see(scene, frames, sorted(truths), truths, ends=ends, plan=whole_frame(size, quality))
    both = zip(seen["device"], seen["cloud"], strict=True)
    return [(ours, theirs, truth) for (ours, truth), (theirs, _) in both]


def ap50(pairs: list[Pair], weight: float) -> float:
    """Of both ends' boxes as one result."""
    options = EnsembleOptions(device_weight=weight, cloud_weight=1 - weight)
    return average_precision([(ensemble(ours, theirs, options), truth) for ours, theirs, truth in pairs]).ap50


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=Path, required=True, help="folder of rendered scenes")
    parser.add_argument("--most", type=int, default=8, help="number of scenes")
    parser.add_argument("--quality", dest="qualities", type=int, nargs="+", default=[50])
    parser.add_argument("--model", default="vitdet-tiny-world")
    parser.add_argument("--device-model", help="default: the cloud's")
    options = parser.parse_args()
    options.scenes = profiling_scenes(options.scenes)[: options.most]
    return options


if __name__ == "__main__":
    main()
