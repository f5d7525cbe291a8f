"""The rendered world beside real clips: JPEG size, motion, heights of boxes, and what a model of real images finds.

    python benchmarks/world_realism.py [--videos DIR] [--model FILE] [--stills 24] [--scenarios NAME ...]

Cost: about 1 minute a scenario without `--model`, 2 with it, on two cores. Expected: docs/world.md. Boxes of the real
clips are pseudo labels (YOLO26-l, score 0.35 and above): a machine's opinion, no truth.
"""

import argparse
import json
import tempfile
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from foveate.codec import VideoReader, read_image
from foveate.core import Detections
from foveate.metrics import Truth, average_precision, read_coco, with_ignore_rules
from foveate.models import load_detector
from foveate.world import SCENARIOS, render_stills
from foveate.world.realism import HEIGHT_EDGES, heights, histogram, jpeg_kib, median_flow, shots

HEAD = ["", "JPEG KiB", "flow px", "objects", *(f"{a}-{b}" for a, b in pairwise(HEIGHT_EDGES))]
SIZE = (1080, 1920)


def row(name: str, weights: Iterable[float], flows: Iterable[float], counts: float, tall: np.ndarray) -> str:
    """One line of the table; flow is said for a frame of 1920 pixels' width."""
    shares = [f"{100 * share:.0f}" for share in histogram(tall)]
    figures = [f"{np.median(list(weights)):.0f}", f"{np.median(list(flows)):.1f}", f"{counts:.0f}", *shares]
    return f"| {' | '.join([name, *figures])} |"


def rendered(name: str, seeds: list[int]) -> str:
    """A scenario at 1080p: three pairs of neighbouring frames of each clip."""
    times = [t + d for t in (1.0, 5.0, 9.0) for d in (0, 1 / 30)]
    taken = [shots(name, seed=seed, times=times, size=SIZE) for seed in seeds]
    flows = [median_flow(clip[k].picture, clip[k + 1].picture) for clip in taken for k in range(0, len(times), 2)]
    flat = [shot for clip in taken for shot in clip]
    counts = np.mean([sum(not s.ignore for s in shot.seen) for shot in flat])
    return row(name, [jpeg_kib(shot.picture) for shot in flat], flows, float(counts), heights(flat))


def real(path: Path) -> str:
    """A real clip: eight pairs of neighbouring frames, pseudo boxes of all of them."""
    boxes = json.loads(path.with_suffix(".pseudo.json").read_text())
    tall = np.array([a["bbox"][3] for a in boxes["annotations"] if a["score"] >= 0.35])
    with VideoReader(path) as clip:
        scale, frames = 1920 / clip.size[1], list(_pairs(clip, clip.frame_count))
    flows = [scale * median_flow(frames[k], frames[k + 1]) for k in range(0, len(frames), 2)]
    # Weight and heights grow with the pixels: said as if the clip had 1080 lines.
    weights = [scale**2 * jpeg_kib(frame) for frame in frames]
    return row(path.stem, weights, flows, len(tall) / len(boxes["images"]), scale * tall)


def _pairs(clip: VideoReader, count: int) -> Iterator[np.ndarray]:
    wanted = {k + d for k in np.linspace(1, count - 3, 8).astype(int) for d in (0, 1)}
    for number, frame in enumerate(clip):
        if number in wanted:
            yield frame


def found(name: str, model: str, count: int) -> str:
    """AP50 of `model` on stills of a scenario, and on the same boxes against the truth of other pictures."""
    detector = load_detector(model)
    with tempfile.TemporaryDirectory() as folder:
        truth = render_stills(name, count=count, size=(720, 1280), seed=77, frames_per_scene=6, out=Path(folder))
        images = read_coco(truth)
        truths = [with_ignore_rules(image.truth, frame_height=image.size[0]) for image in images]
        boxes = [
            detector.detect(read_image(Path(folder) / "images" / image.file_name), score_threshold=0.01)
            for image in images
        ]
    fair, chance = _scores(boxes, truths), _scores(boxes[7:] + boxes[:7], truths)
    figures = " | ".join(f"{fair.get(c, (0, 0))[0]:.3f} ({fair.get(c, (0, 0))[1]})" for c in ("person", "car"))
    lucky = " | ".join(f"{chance.get(c, (0, 0))[0]:.3f}" for c in ("person", "car"))
    return f"| {name} | {count} | {figures} | {lucky} |"


def _scores(boxes: list[Detections], truths: list[Truth]) -> dict[str, tuple[float, int]]:
    classes = average_precision(list(zip(boxes, truths, strict=True))).classes
    return {name: (entry.ap50, entry.n) for name, entry in classes.items()}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--stills", type=int, default=24)
    parser.add_argument("--scenarios", nargs="+", default=sorted(SCENARIOS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[41, 42])
    wish = parser.parse_args()
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}")
    for name in wish.scenarios:
        print(rendered(name, wish.seeds), flush=True)
    for path in sorted(wish.videos.glob("*.mp4")) if wish.videos else ():
        print(real(path), flush=True)
    if wish.model:
        print("\n| scenario | stills | AP50 person (n) | AP50 car (n) | chance person | chance car |")
        print(f"|{'---|' * 6}")
        for name in wish.scenarios:
            print(found(name, wish.model, wish.stills), flush=True)


if __name__ == "__main__":
    main()
