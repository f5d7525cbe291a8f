"""One picture for regions of both resolutions beside two mosaics: bytes and times, on the clip that ships with foveate.

    python benchmarks/bench_packing.py [--clip CLIP.mp4] [--frames 5] [--rounds 9]

Masks are drawn by seed, as for profiles. Cost: half a minute of one core. Expected: docs/results.md: the same bytes
but for one header, the same time but for unused cells.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import foveate
from foveate.codec import VideoReader, decode_frame, encode_frame
from foveate.codec.mosaic import full_layout, joint_layouts, low_layout
from foveate.core import Pixels, RegionGrid
from foveate.profiling.masks import mask_with

SAMPLE = Path(foveate.__file__).parent / "samples" / "street.mp4"
SHARES, QUALITIES = (0.25, 0.5, 0.75), (70, 95)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", type=Path, default=SAMPLE)
    parser.add_argument("--frames", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with VideoReader(options.clip) as reader:
        frames = list(islice(reader, 0, None, max(1, reader.frame_count // options.frames)))[: options.frames]
    grid = RegionGrid(height=frames[0].shape[0], width=frames[0].shape[1])
    ratios = ("bytes", "pixels", "encode", "decode")
    table = Table("low", "quality", "KiB, two", *(f"{name}, one / two" for name in ratios), title=f"{grid}")
    for share in SHARES:
        for quality in QUALITIES:
            kib, found = measured(frames, grid, round(share * len(grid)), quality, options.rounds)
            table.add_row(f"{share:.0%}", str(quality), f"{kib:.0f}", *(f"{value:.3f}" for value in found))
    Console(width=120).print(table)


def measured(
    frames: Sequence[Pixels], grid: RegionGrid, low: int, quality: int, rounds: int
) -> tuple[float, tuple[float, ...]]:
    """KiB of two mosaics, and the ratios of one picture to them: bytes, pixels, encoding and decoding."""
    rows = []
    for seed, pixels in enumerate(frames):
        mask = mask_with(grid, low, seed=seed)
        two, one = (
            encode_frame(pixels, grid=grid, mask=mask, quality=quality, one_picture=flag) for flag in (False, True)
        )
        sizes = [int(np.prod(layout(grid, mask).size)) for layout in (full_layout, low_layout)]
        encode = ratio(
            lambda flag, p=pixels, m=mask: encode_frame(p, grid=grid, mask=m, quality=quality, one_picture=flag), rounds
        )
        decode = ratio(lambda flag, m=mask, o=one, t=two: decode_frame(o if flag else t, grid=grid, mask=m), rounds)
        area = int(np.prod(joint_layouts(grid, mask)[0].size)) / sum(sizes)
        rows.append((two.size_bytes / 1024, one.size_bytes / two.size_bytes, area, encode, decode))
    kib, *found = np.mean(rows, axis=0).tolist()
    return kib, tuple(found)


def ratio(call: Callable[[bool], object], rounds: int) -> float:
    """Median over rounds of the processor time with one picture over that with two, measured in turns."""
    took = [[_seconds(partial(call, flag)) for flag in (False, True)] for _ in range(rounds + 1)][1:]
    return float(np.median([one / two for two, one in took]))


def _seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


if __name__ == "__main__":
    main()
