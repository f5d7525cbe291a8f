"""How long this machine takes to encode and decode frames, by N_d and quality (ViTMAlis, section IV-D)."""

from collections.abc import Sequence

import numpy as np

from foveate.codec import decode_frame, encode_frame
from foveate.core import CodecProfile, Mask, Pixels, RegionGrid
from foveate.profiling.masks import mask_with, steps
from foveate.profiling.repeat import Progress, median_s, silent


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
    downsampled = steps(len(grid), points)
    encode = np.zeros((len(qualities), len(downsampled)))
    decode = np.zeros((len(qualities), len(downsampled)))
    for column, number in enumerate(downsampled):
        for row, quality in enumerate(qualities):
            masks = [mask_with(grid, number, seed=seed) for seed in range(len(frames))]
            pairs = zip(frames, masks, strict=True)
            cells = [_cell(pixels, grid, mask, quality, repeats=repeats) for pixels, mask in pairs]
            encode[row, column], decode[row, column] = np.median(cells, axis=0)
            progress(column * len(qualities) + row + 1, encode.size)
    return CodecProfile(
        frame_size=(grid.height, grid.width),
        regions=len(grid),
        qualities=qualities,
        downsampled=downsampled,
        encode_s=tuple(tuple(float(v) for v in row) for row in encode),
        decode_s=tuple(float(v) for v in decode.mean(axis=0)),
    )


def _cell(pixels: Pixels, grid: RegionGrid, mask: Mask, quality: int, *, repeats: int) -> tuple[float, float]:
    """Seconds there and back."""
    encoded = encode_frame(pixels, grid=grid, mask=mask, quality=quality)
    there, _ = median_s(lambda: encode_frame(pixels, grid=grid, mask=mask, quality=quality), repeats=repeats)
    back, _ = median_s(lambda: decode_frame(encoded, grid=grid, mask=mask), repeats=repeats)
    return there, back
