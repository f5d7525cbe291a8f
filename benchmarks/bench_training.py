"""Speed of training: processor time of whole steps of vitdet-tiny on random crops, one thread.

    python benchmarks/bench_training.py [--preset vitdet_tiny] [--size 288 288] [--batch 16] [--steps 4] [--distil]

In the dtype that training chooses on this processor, and in float32 beside it. Cost: half a minute on one core for
bfloat16, more for float32. Expected: docs/results.md. Without the loader, a process of its own: 3 % more.
"""

import argparse
import statistics
import time

import torch
from timing import dtype_name, dtypes, machine
from torch import nn

from foveate import models
from foveate.training import DistillationConfig, LossConfig, Targets
from foveate.training.gradients import GradientWorkers
from foveate.training.optimise import MovingAverage, make_optimiser
from foveate.training.resolution import Resolution

OBJECTS = 6
"""Per crop."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="vitdet_tiny")
    parser.add_argument("--size", type=int, nargs=2, default=[288, 288])
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--distil", action="store_true", help="all crops wholly downsampled, and distilled")
    options = parser.parse_args()
    print(machine())
    for dtype in dtypes():
        tell(options, dtype, step_times(options, dtype))


def tell(options: argparse.Namespace, dtype: torch.dtype, seconds: list[float]) -> None:
    """One line."""
    median = statistics.median(seconds)
    print(
        f"{options.preset}, {dtype_name(dtype)}: {median:.2f} s a step "
        f"({min(seconds):.2f}-{max(seconds):.2f}, {len(seconds)} steps), "
        f"{options.batch / median:.2f} crops a second of one core's time"
    )


def step_times(options: argparse.Namespace, dtype: torch.dtype) -> list[float]:
    """Processor seconds of each step after a first one."""
    model = getattr(models, options.preset)().train()
    optimiser, average = make_optimiser(model), MovingAverage(model, 0.999)
    images, targets = crops(options.batch, *options.size)
    masks = torch.ones(options.batch, *model.region_grid(*options.size).shape, dtype=torch.bool)
    resolution = Resolution(
        masks=masks if options.distil else None, restoration_points=[4 if options.distil else 0] * options.batch
    )
    distillation, seconds = DistillationConfig() if options.distil else None, []
    bfloat16 = dtype == torch.bfloat16
    with GradientWorkers(model, LossConfig(), threads=1, bfloat16=bfloat16, distillation=distillation) as workers:
        for step in range(1 + options.steps):
            began_at = time.process_time()
            workers.compute(images, targets, resolution)
            nn.utils.clip_grad_norm_(average.parameters, 5.0)
            optimiser.step()
            average.update(step)
            seconds.append(time.process_time() - began_at)
    return seconds[1:]


def crops(count: int, height: int, width: int) -> tuple[torch.Tensor, Targets]:
    """Noise with random boxes."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, height, width, 3), dtype=torch.uint8, generator=generator)
    near = torch.rand(count, OBJECTS, 2, generator=generator) * torch.tensor([width - 60.0, height - 60.0])
    boxes = torch.cat([near, near + 8 + 50 * torch.rand(count, OBJECTS, 2, generator=generator)], dim=-1)
    labels = torch.randint(0, 6, (count, OBJECTS), generator=generator)
    nobody = torch.full((count, 1), -1)
    targets = Targets(boxes=boxes, labels=labels, ignored_boxes=torch.zeros(count, 1, 4), ignored_labels=nobody)
    return images.permute(0, 3, 1, 2), targets


if __name__ == "__main__":
    main()
