"""How long a model takes on this machine, by N_d and restoration point, and the line or parabola through it."""

import numpy as np
from numpy.typing import NDArray

from foveate.core import InferenceModel, InputError, Pixels, ServerProfile, split_regions
from foveate.profiling.masks import mask_with, steps
from foveate.profiling.repeat import Progress, median_s, silent
from foveate.server import DetectorLike

LARGEST_RESIDUAL = 0.05
"""A line that misses a point by more gives way to a parabola."""


def measure_server(
    detector: DetectorLike,
    pixels: Pixels,
    *,
    points: int = 6,
    repeats: int = 3,
    progress: Progress = silent,
) -> ServerProfile:
    """Inference on tiles of one frame, after one call that does not count."""
    height, width = pixels.shape[:2]
    grid = detector.region_grid(height, width)
    downsampled = [n for n in steps(len(grid), points) if n > 0]
    betas = detector.restoration_points
    wanted, done = 2 + len(downsampled) * (len(betas) + 1), 0

    def timed(frame: Pixels, count: int, beta: int) -> tuple[float, float]:
        nonlocal done
        of_frame = detector.region_grid(*frame.shape[:2])
        mixed = split_regions(frame, of_frame, mask_with(of_frame, count, seed=0))
        result = median_s(lambda: detector.detect_batch([mixed], None, [beta]), repeats=repeats)
        done += 1
        progress(done, wanted)
        return result

    full_s, spread = timed(pixels, 0, 0)
    half_s, _ = timed(np.ascontiguousarray(pixels[::2, ::2]), 0, 0)
    seconds = {beta: [timed(pixels, count, beta)[0] for count in downsampled] for beta in betas}
    counts = np.array(downsampled, float)
    try:
        late = fit_latency(counts, np.array([timed(pixels, count, betas[-1] + 1)[0] for count in downsampled]))
    except InputError:  # not every model restores after its last block
        late = None
    inference = {beta: fit_latency(counts, np.array(times)) for beta, times in seconds.items()}
    return ServerProfile(
        frame_size=(height, width),
        regions=len(grid),
        full_s=full_s,
        half_s=half_s,
        inference=inference,
        lines=lines_beside(inference, counts, {beta: np.array(times) for beta, times in seconds.items()}),
        late=late,
        spread=spread,
    )


def fit_latency(downsampled: NDArray[np.float64], seconds: NDArray[np.float64]) -> InferenceModel:
    """A line; a parabola where the line misses a point by more than 5 % and there are points enough."""
    line = _polynomial(downsampled, seconds, 1)
    if line.residual <= LARGEST_RESIDUAL or len(downsampled) < 4:
        return line
    return _polynomial(downsampled, seconds, 2)


def lines_beside(
    chosen: dict[int, InferenceModel], downsampled: NDArray[np.float64], seconds: dict[int, NDArray[np.float64]]
) -> dict[int, InferenceModel]:
    """The line of each restoration point where something else was chosen."""
    lines = {beta: _polynomial(downsampled, times, 1) for beta, times in seconds.items()}
    return {beta: line for beta, line in lines.items() if chosen[beta] != line}


def _polynomial(x: NDArray[np.float64], y: NDArray[np.float64], degree: int) -> InferenceModel:
    coefficients = np.polynomial.polynomial.polyfit(x, y, min(degree, len(x) - 1))
    fitted = np.polynomial.polynomial.polyval(x, coefficients)
    return InferenceModel(
        coefficients=tuple(float(c) for c in coefficients), residual=float(np.abs(fitted / y - 1).max())
    )
