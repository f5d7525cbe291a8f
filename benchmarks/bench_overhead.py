"""What a device and a server do besides inference, at 1080p, beside the figures of the ViTMAlis paper (VI-C).

    python benchmarks/bench_overhead.py [--video CLIP] [--objects 30] [--rounds 60] [--json FILE]

Every stage runs once per round, so that a busy machine hits all of them alike; medians of processor time. Codec rows
are those of the five policies: the whole frame at quality 95, its regions without objects blanked, half its size, and
two mosaics at quality 85 with all regions downsampled that hold no object.
Cost: 20 seconds of one core. Expected: docs/results.md.
"""

import argparse
import itertools
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from timing import machine

from foveate.codec import VideoReader, decode_frame, encode_frame, scaled_to
from foveate.core import (
    Detections,
    Estimates,
    FrameContent,
    LastOffload,
    LinkState,
    Mask,
    Pixels,
    RegionGrid,
)
from foveate.estimators import (
    PerformanceEstimator,
    load_profile,
    task_relevance,
)
from foveate.policies import DeviceState, VitMAlis, configurations, region_types
from foveate.tracking import MotionAnalyser, Tracker, reduce, region_detail

GRID = RegionGrid(height=1080, width=1920)
FRAMES = 30
SAMPLE = Path(__file__).parents[1] / "src" / "foveate" / "samples" / "street.mp4"
PAPER_MS = {
    "motion of all regions, with reduction to grey": "10",
    "detail of all regions (not in the paper)": "-",
    "estimates of all configurations": "9",
    "choice (algorithm 1)": "2",
}
PAPER_CODEC_MS = {"whole frame": "30", "blanked": "38", "half size": "30", "mixed": "39"}


def main() -> None:
    """Measure, print, and write what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", type=Path, default=SAMPLE, help="its first frames, enlarged to 1080p if need be")
    parser.add_argument("--objects", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(machine())
    seconds = measured(frames_of(options.video), some_boxes(options.objects), options.rounds)
    medians = {name: 1e3 * statistics.median(values) for name, values in seconds.items()}
    print_table(medians, seconds)
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "rounds": options.rounds, "ms": medians}, indent=1))


def frames_of(video: Path) -> list[Pixels]:
    """The first frames of a clip as uint8 `(1080, 1920, 3)`."""
    with VideoReader(video) as reader:
        first = itertools.islice(reader, FRAMES)
        return [np.asarray(cv2.resize(pixels, (GRID.width, GRID.height)), np.uint8) for pixels in first]


def some_boxes(count: int) -> Detections:
    """Seeded boxes of 24 to 240 pixels height, half as wide, in the lower left of the frame as a street's are."""
    rng = np.random.default_rng(0)
    heights = 24 * 10 ** rng.uniform(0, 1, count)
    top, left = rng.uniform(400, GRID.height - heights), rng.uniform(0, 1300 - heights / 2)
    boxes = np.stack([left, top, left + heights / 2, top + heights], axis=1)
    return Detections(
        boxes=boxes, scores=rng.uniform(0.4, 0.9, count), class_id=np.zeros(count), class_names=("object",)
    )


def measured(frames: list[Pixels], objects: Detections, rounds: int) -> dict[str, list[float]]:
    """Processor seconds of every stage in every round; the first round does not count."""
    bench = Bench(frames=frames, objects=objects)
    seconds: dict[str, list[float]] = {}
    order = itertools.cycle([*range(len(frames)), *range(len(frames) - 2, 0, -1)])
    for round_, index in enumerate(itertools.islice(order, rounds + 1)):
        for name, call in bench.stages(index):
            start = time.process_time()
            call()
            if round_:
                seconds.setdefault(name, []).append(time.process_time() - start)
    return seconds


@dataclass(kw_only=True)
class Bench:
    """One frame after the other, and what is made of it."""

    frames: list[Pixels]
    objects: Detections

    def __post_init__(self) -> None:
        self.analyser, self.tracker, self.policy = MotionAnalyser(GRID), Tracker(), VitMAlis()
        self.tracker.restart(self.objects, reduce(self.frames[0]))
        self.estimator = PerformanceEstimator(load_profile("paper-jetson-rtx5090"))
        self.empty = ~GRID.overlapping(self.objects.boxes)
        self.quarter = RegionGrid(height=GRID.height // 2, width=GRID.width // 2)

    def stages(self, index: int) -> list[tuple[str, Callable[[], object]]]:
        """The work on one frame, in order."""
        pixels = self.frames[index]
        grey = reduce(pixels)
        content = content_of(self.objects)
        candidates = configurations(region_types(content), content, restoration_points=range(5))
        estimate = self.estimator.bind(grid=GRID, content=content, link=LinkState(throughput_bps=2e7, rtt_s=0.04))
        known = estimate(candidates)
        state = state_of(self.objects, content, known)
        return [
            ("motion of all regions, with reduction to grey", lambda: self.analyser.update(reduce(pixels))),
            (f"tracker, {len(self.objects)} objects", lambda: self.tracker.advance(grey)),
            ("detail of all regions (not in the paper)", lambda: region_detail(grey, GRID)),
            ("estimates of all configurations", lambda: estimate(candidates)),
            ("choice (algorithm 1)", lambda: self.policy.decide(state)),
            *codec("whole frame", pixels, GRID, quality=95),
            *codec("blanked", pixels, GRID, blank=self.empty, quality=95),
            *codec("half size", pixels, self.quarter, quality=95),
            *codec("mixed", pixels, GRID, mask=self.empty, quality=85),
        ]


def codec(
    name: str, pixels: Pixels, grid: RegionGrid, *, mask: Mask | None = None, blank: Mask | None = None, quality: int
) -> list[tuple[str, Callable[[], object]]]:
    """Encoding (with scaling, painting or packing) and decoding to tiles."""

    def encode() -> object:
        return encode_frame(scaled_to(pixels, grid), grid=grid, mask=mask, blank=blank, quality=quality)

    encoded = encode_frame(scaled_to(pixels, grid), grid=grid, mask=mask, blank=blank, quality=quality)
    return [
        (f"encoding, {name}", encode),
        (f"decoding, {name}", lambda: decode_frame(encoded, grid=grid, mask=mask)),
    ]


def content_of(objects: Detections) -> FrameContent:
    """Motion everywhere but in the uppermost regions, so that all three types occur."""
    motion = np.ones(GRID.shape, np.float32)
    motion[0] = 0
    return FrameContent(
        region_motion=motion / motion.sum(),
        frame_motion=0.2,
        task_relevance=task_relevance(objects.boxes, GRID),
        region_detail=np.full(GRID.shape, 5, np.float32),
        objects=objects,
        last=LastOffload(
            bytes_per_pixel=0.2,
            jpeg_quality=90,
            downsampled_share=0.5,
            detail=5.0,
            downsampled_detail=0.4,
            frames_ago=8,
        ),
    )


def state_of(objects: Detections, content: FrameContent, known: Estimates) -> DeviceState:
    """A state whose estimates are there already: what is left is the choice."""
    return DeviceState(
        grid=GRID,
        restoration_points=range(5),
        frame_index=10,
        offloaded_frame=5,
        result=objects,
        result_frame=5,
        content=content,
        estimate=lambda _: known,
    )


def print_table(medians: dict[str, float], seconds: dict[str, list[float]]) -> None:
    """Ours beside the paper's."""
    print(f"{'stage':48s} {'ms':>6s}  {'10-90 %':>13s}  paper, ms")
    for name, middle in medians.items():
        low, high = 1e3 * np.percentile(seconds[name], [10, 90])
        print(f"{name:48s} {middle:6.2f}  {low:6.2f}-{high:6.2f}  {PAPER_MS.get(name, '-')}")
    for kind, paper in PAPER_CODEC_MS.items():
        both = medians[f"encoding, {kind}"] + medians[f"decoding, {kind}"]
        print(f"{'codec, ' + kind + ': both':48s} {both:6.2f}  {'':13s}  {paper}")


if __name__ == "__main__":
    main()
