"""Grey reduction, motion and local tracker at 1080p, and how well boxes are followed on the sample clip.

    python benchmarks/bench_tracking.py [--video CLIP] [--objects 30] [--rounds 90] [--json FILE]

Cost: 15 seconds on one core. Expected: docs/results.md. A clip with fine texture and a moving camera takes the longest.
Times are processor time of this process, so that other work on the machine counts little.
"""

import argparse
import itertools
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from timing import machine

from foveate.codec import VideoReader
from foveate.core import Detections, Pixels, RegionGrid
from foveate.metrics import Truth, iou_matrix, read_coco, with_ignore_rules
from foveate.tracking import LocalTracker, MotionAnalyser, NoTracker, Tracker, reduce

SIZE = (1080, 1920)
FRAMES = 30
GENERATION = 15
AGES = (1, 5, 10, 15)
SAMPLE = Path(__file__).parents[1] / "src" / "foveate" / "samples" / "street.mp4"

Result = TypeVar("Result")


def main() -> None:
    """Measure, print, and write what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--video", type=Path, default=SAMPLE, help="a clip whose first frames are timed, enlarged to 1080p"
    )
    parser.add_argument("--objects", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=90, help="frames that are timed")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(machine())
    speed = stages(frames_of(options.video), options.objects, options.rounds)
    for name, seconds in speed.items():
        print(
            f"{name:40s} {1e3 * statistics.median(seconds):5.2f} ms ({1e3 * min(seconds):.2f}-{1e3 * max(seconds):.2f})"
        )
    quality = {"tracker": by_age(Tracker()), "boxes that stand still": by_age(NoTracker())}
    print_quality(quality)
    if options.json:
        medians = {name: statistics.median(seconds) for name, seconds in speed.items()}
        options.json.write_text(json.dumps({"machine": machine(), "seconds": medians, "quality": quality}, indent=1))


def frames_of(video: Path) -> list[Pixels]:
    """The first frames of a clip, enlarged to uint8 `(1080, 1920, 3)` if need be."""
    with VideoReader(video) as reader:
        return [cv2.resize(pixels, SIZE[::-1]) for pixels in itertools.islice(reader, FRAMES)]


def stages(frames: list[Pixels], objects: int, rounds: int) -> dict[str, list[float]]:
    """Processor seconds per frame of each stage, playing the frames forward and backward."""
    analyser, tracker = MotionAnalyser(RegionGrid(height=SIZE[0], width=SIZE[1])), Tracker()
    order = itertools.cycle([*range(len(frames)), *range(len(frames) - 2, 0, -1)])
    result = some_boxes(objects)
    seconds: dict[str, list[float]] = {}
    for round_, index in enumerate(itertools.islice(order, rounds)):
        grey = timed(seconds, "reduction to 540 and 270 rows", lambda i=index: reduce(frames[i]))
        timed(seconds, "motion of all regions", lambda g=grey: analyser.update(g))
        if round_ % GENERATION == 0:
            timed(seconds, f"tracker, restart with {objects} objects", lambda g=grey: tracker.restart(result, g))
        else:
            timed(seconds, f"tracker, {objects} objects", lambda g=grey: tracker.advance(g))
    return seconds


def timed(seconds: dict[str, list[float]], name: str, call: Callable[[], Result]) -> Result:
    """Call, and note the processor time."""
    start = time.process_time()
    result = call()
    seconds.setdefault(name, []).append(time.process_time() - start)
    return result


def some_boxes(count: int) -> Detections:
    """Seeded boxes of 24 to 240 pixels height, half as wide, inside a 1080p frame."""
    rng = np.random.default_rng(0)
    heights = 24 * 10 ** rng.uniform(0, 1, count)
    top, left = rng.uniform(0, SIZE[0] - heights), rng.uniform(0, SIZE[1] - heights / 2)
    boxes = np.stack([left, top, left + heights / 2, top + heights], axis=1)
    return Detections(boxes=boxes, scores=np.ones(count), class_id=np.zeros(count), class_names=("object",))


def by_age(tracker: LocalTracker) -> dict[int, tuple[float, float]]:
    """Age in frames -> mean IoU with the exact truth, share with IoU >= 0.5.

    Generations of 15 frames start at true boxes of the sample clip. Only objects that still count at that age are
    scored; one that the tracker gave up scores 0.
    """
    truth = {
        image.frame: with_ignore_rules(image.truth, frame_height=720)
        for image in read_coco(SAMPLE.with_suffix(".json"))
    }
    with VideoReader(SAMPLE) as reader:
        greys = [reduce(pixels) for pixels in reader]
    overlaps: dict[int, list[float]] = {age: [] for age in range(1, GENERATION + 1)}
    for first in range(0, len(greys) - GENERATION, GENERATION):
        tracker.restart(named(truth[first]), greys[first])
        for age in overlaps:
            tracker.advance(greys[first + age])
            overlaps[age] += against(tracker.detections(), named(truth[first + age]))
    return {age: (float(np.mean(v)), float(np.mean(np.array(v) >= 0.5))) for age, v in overlaps.items()}


def named(truth: Truth) -> Detections:
    """True objects, each a class of its own, so that a tracked box says whose it is."""
    names = tuple(str(track_id) for track_id in truth.track_ids)
    return replace(truth.detections, class_id=np.arange(len(names)), class_names=names)


def against(shown: Detections, truth: Detections) -> list[float]:
    """IoU of every object of the result that is still in the truth; 0 for one that is shown no more."""
    boxes = {shown.class_names[i]: box for i, box in zip(shown.class_id, shown.boxes, strict=True)}
    known = set(shown.class_names)
    return [
        float(iou_matrix(boxes[name][None], box[None])[0, 0]) if name in boxes else 0.0
        for name, box in zip(truth.class_names, truth.boxes, strict=True)
        if name in known
    ]


def print_quality(quality: dict[str, dict[int, tuple[float, float]]]) -> None:
    """One line per tracker, some ages."""
    ages = ", ".join(map(str, AGES))
    print(f"sample clip, mean IoU / share with IoU >= 0.5 after {ages} frames; mean of 1-{GENERATION}")
    for name, scores in quality.items():
        cells = "  ".join(f"{scores[age][0]:.3f} / {scores[age][1]:.3f}" for age in AGES)
        means = np.mean(list(scores.values()), axis=0)
        print(f"{name:22s} {cells}  mean {means[0]:.3f} / {means[1]:.3f}")


if __name__ == "__main__":
    main()
