"""How long this machine takes to encode and decode frames, by N_d and quality (ViTMAlis, section IV-D)."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from foveate.codec import decode_frame, encode_frame
from foveate.core import CodecProfile, Mask, Pixels, RegionGrid
from foveate.profiling.masks import mask_with, steps
from foveate.profiling.repeat import Progress, median_s, silent

Numbers = NDArray[np.float64]


def measure_codec(
    frames: Sequence[Pixels],
    grid: RegionGrid,
    *,
    qualities: tuple[int, ...],
    points: int = 8,
    repeats: int = 3,
    progress: Progress = silent,
) -> CodecProfile:
    """Medians over `frames`, which are of the grid's size and from the clips that will be sent."""
    encode = measure_encoding(frames, grid, qualities=qualities, points=points, repeats=repeats, progress=progress)
    decode = measure_decoding(frames, grid, qualities=qualities, points=points, repeats=repeats)
    return codec_profile(grid, qualities, encode, decode)


def codec_profile(grid: RegionGrid, qualities: tuple[int, ...], encode: Numbers, decode: Numbers) -> CodecProfile:
    """Seconds to encode `(qualities, points)` and to decode `(points,)` as a profile."""
    return CodecProfile(
        frame_size=(grid.height, grid.width),
        regions=len(grid),
        qualities=qualities,
        downsampled=steps(len(grid), len(decode)),
        encode_s=tuple(tuple(float(v) for v in row) for row in encode),
        decode_s=tuple(float(v) for v in decode),
    )


def measure_encoding(
    frames: Sequence[Pixels],
    grid: RegionGrid,
    *,
    qualities: tuple[int, ...],
    points: int = 8,
    repeats: int = 3,
    progress: Progress = silent,
) -> Numbers:
    """Seconds `(qualities, points)`."""
    downsampled = steps(len(grid), points)
    seconds = np.zeros((len(qualities), len(downsampled)))
    for column, number in enumerate(downsampled):
        for row, quality in enumerate(qualities):
            times = [
                median_s(partial(encode_frame, pixels, grid=grid, mask=mask, quality=quality), repeats=repeats)[0]
                for pixels, mask in _masked(frames, grid, number)
            ]
            seconds[row, column] = np.median(times)
            progress(column * len(qualities) + row + 1, seconds.size)
    return seconds


def measure_decoding(
    frames: Sequence[Pixels], grid: RegionGrid, *, qualities: tuple[int, ...], points: int = 8, repeats: int = 3
) -> Numbers:
    """Seconds `(points,)`, the mean over qualities."""
    seconds = []
    for number in steps(len(grid), points):
        times = []
        for quality in qualities:
            for pixels, mask in _masked(frames, grid, number):
                encoded = encode_frame(pixels, grid=grid, mask=mask, quality=quality)
                times.append(median_s(partial(decode_frame, encoded, grid=grid, mask=mask), repeats=repeats)[0])
        seconds.append(np.mean(times))
    return np.array(seconds)


def _masked(frames: Sequence[Pixels], grid: RegionGrid, downsampled: int) -> list[tuple[Pixels, Mask]]:
    return [(pixels, mask_with(grid, downsampled, seed=seed)) for seed, pixels in enumerate(frames)]
