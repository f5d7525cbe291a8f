"""Why the speed-up of mixed resolution is what it is: each part of the backbone, and what its operations would save.

    python benchmarks/backbone_stages.py [--rounds 7]

Every part is expected to take its full-resolution time divided by the ratio of its own operations. Speed-up over the
ratio of all operations then has a bound below 1 where the parts that shrink least, the linear ones, take longer for an
operation than attention does. Cost: half a minute on two cores. Expected: docs/results.md.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from bench_backbone import SIZE, mask_of, plain_backbone
from timing import dtype_name, dtypes, machine

from foveate.models import Backbone, backbone_flops

SHARES = (0.0, 0.5, 0.75)
PARTS = ("embedding", "window blocks", "global blocks", "last block")


class Stopwatch:
    """Seconds of each part of the passes of one backbone."""

    def __init__(self, model: Backbone) -> None:
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self._watch(model.embed, "embedding")
        for block in model.blocks:
            self._watch(block, "global blocks" if block.is_global else "window blocks")
        self._watch(model.blocks[-1], "last block")

    def _watch(self, module: torch.nn.Module, part: str) -> None:
        began: list[float] = []
        module.register_forward_pre_hook(lambda *_: began.append(time.perf_counter()))
        module.register_forward_hook(lambda *_: self._add(part, time.perf_counter() - began.pop()))

    def _add(self, part: str, seconds: float) -> None:
        self.seconds[part] += seconds

    def of(self, call: Callable[[], Any]) -> dict[str, float]:
        """Seconds of each part in one call, the rest, and all."""
        self.seconds = dict.fromkeys(PARTS, 0.0)
        began = time.perf_counter()
        call()
        total = time.perf_counter() - began
        self.seconds["global blocks"] -= self.seconds["last block"]
        return self.seconds | {"rest": total - sum(self.seconds.values()), "all": total}


def saved(model: Backbone, share: float) -> dict[str, float]:
    """By how much the operations of each part shrink at restoration point 4."""
    config, grid = model.config, model.config.grid(*SIZE)
    full, mixed = grid.tokens(), grid.tokens(mask_of(grid, share))

    def of_global(tokens: int) -> float:
        linear = 2 * (4 * config.dim**2 + 2 * config.dim * int(config.dim * config.mlp_ratio))
        return tokens * (linear + 4.0 * tokens * config.dim)

    everything = backbone_flops(config, grid) / backbone_flops(config, grid, mask_of(grid, share), 4)
    blocks = of_global(full) / of_global(mixed)
    return {
        "embedding": full / mixed,
        "window blocks": full / mixed,
        "global blocks": blocks,
        "last block": 1.0,
        "rest": 1.0,
        "all": everything,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    dtype = dtypes()[0]
    model = plain_backbone().to(dtype)
    watch, image = Stopwatch(model), torch.randn(1, 3, *SIZE, dtype=dtype)
    masks = {share: torch.from_numpy(mask_of(model.config.grid(*SIZE), share))[None] for share in SHARES}
    passes: dict[float, list[dict[str, float]]] = {share: [] for share in SHARES}
    with torch.inference_mode():
        for _ in range(rounds + 1):
            for share, mask in masks.items():
                point = 4 if share else 0
                passes[share].append(watch.of(lambda m=mask, p=point: model(image, m, [p])))
    medians = {
        share: {part: 1e3 * statistics.median(one[part] for one in found[1:]) for part in found[0]}
        for share, found in passes.items()
    }
    print(machine())
    print(f"{dtype_name(dtype)}, ms: full | measured (expected by its own operations)")
    for part, full in medians[0.0].items():
        row = [f"{medians[s][part]:6.0f} ({full / saved(model, s)[part]:6.0f})" for s in SHARES[1:]]
        print(f"{part:14s} {full:6.0f} | " + " | ".join(row))
    for share in SHARES[1:]:
        shrink = saved(model, share)
        parts = [*PARTS, "rest"]
        bound = sum(medians[0.0][p] for p in parts) / sum(medians[0.0][p] / shrink[p] for p in parts)
        gain = medians[0.0]["all"] / medians[share]["all"]
        print(
            f"{share:.0%} downsampled: speed-up {gain:.2f}, parts as expected {bound:.2f}, operations "
            f"{shrink['all']:.2f}: {gain / shrink['all']:.2f} of them, at most {bound / shrink['all']:.2f}"
        )


if __name__ == "__main__":
    main()
