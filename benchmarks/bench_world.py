"""Speed of the rendered world: frames per second and core by scenario and size, and where the time goes.

    python benchmarks/bench_world.py [--frames 4] [--sizes 720x1280 1080x1920] [--scenarios NAME ...]

Cost: about 5 minutes on one core. Expected: docs/world.md. Seconds are those of the processor, in one thread, so that
other work on the machine disturbs little.
"""

import argparse
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from foveate.world import SCENARIOS
from foveate.world.renderer import Renderer, Stage
from foveate.world.scenarios import build
from foveate.world.sensor import develop, meter
from foveate.world.truth import observe
from foveate.world.video import write_h264

STEPS = ("pose", "draw", "truth", "sensor", "encode")
SEED = 101


@contextmanager
def timed(spent: Counter[str], step: str) -> Iterator[None]:
    """Adds the processor's seconds in the block to `spent[step]`."""
    start = time.process_time()
    yield
    spent[step] += time.process_time() - start


def measure(scenario: str, size: tuple[int, int], frames: int) -> Counter[str]:
    """Seconds of `frames` frames by step, and of building the scene; one frame before them warms up."""
    spent: Counter[str] = Counter()
    with timed(spent, "build"):
        shoot, stage = build(scenario, seed=SEED), Stage(size=size)
        renderer = Renderer(shoot.scene, stage)
        renderer.frame(renderer.moment(shoot.path.at(0, size=size), 0))
    pictures = []
    for number in range(frames):
        at = 1 + 2 * number
        with timed(spent, "pose"):
            moment = renderer.moment(shoot.path.at(at, size=size), at)
        with timed(spent, "draw"):
            frame = renderer.frame(moment)
        with timed(spent, "truth"):
            observe(moment, frame, partial(renderer.alone, moment))
        with timed(spent, "sensor"):
            exposure = meter(frame.picture, shoot.sensor)
            pictures.append(develop(frame.picture, shoot.sensor, np.random.default_rng(number), exposure=exposure))
    stage.close()
    with tempfile.TemporaryDirectory() as folder, timed(spent, "encode"):
        write_h264(Path(folder) / "clip.mp4", iter(pictures), size=size, fps=30, crf=18)
    return spent


def line(scenario: str, size: tuple[int, int], spent: Counter[str], frames: int) -> str:
    """One row of the table."""
    total = sum(spent[step] for step in STEPS)
    steps = " | ".join(f"{1e3 * spent[step] / frames:.0f}" for step in STEPS)
    return f"| {scenario} | {size[0]}x{size[1]} | {frames / total:.2f} | {steps} | {spent['build']:.1f} |"


def read_size(text: str) -> tuple[int, int]:
    """`720x1280` as height and width."""
    height, width = text.split("x")
    return int(height), int(width)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=4)
    parser.add_argument("--sizes", nargs="+", type=read_size, default=[(720, 1280), (1080, 1920), (2160, 3840)])
    parser.add_argument("--scenarios", nargs="+", default=sorted(SCENARIOS))
    wish = parser.parse_args()
    # Read when the first window is opened.
    os.environ["LP_NUM_THREADS"] = "1"
    cv2.setNumThreads(1)
    print(f"| scenario | size | frames/s/core | {' | '.join(f'{step} ms' for step in STEPS)} | build s |")
    print(f"|{'---|' * (4 + len(STEPS))}")
    for scenario in wish.scenarios:
        for size in wish.sizes:
            print(line(scenario, size, measure(scenario, size, wish.frames), wish.frames), flush=True)


if __name__ == "__main__":
    main()
