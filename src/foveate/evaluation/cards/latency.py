"""How long a detector takes for a frame on this machine."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from foveate.codec import VideoReader
from foveate.core import MixedFrame, Pixels, split_regions
from foveate.evaluation.cards.restoration import SHARES, mask_of
from foveate.models import MixedDetector

SIZES = {"720p": (720, 1280), "1080p": (1080, 1920)}
ROUNDS = 9


def measure_latency(
    detector: MixedDetector, frame: Pixels, progress: Callable[[int], None], *, rounds: int = ROUNDS
) -> dict[str, Any]:
    """By size and case, from tiles to boxes: milliseconds of wall clock and of processor time, median and 10-90 %.

    Cases take turns, after one round that does not count; mixed ones are left out where low regions save no work,
    that is where 0 is the only restoration point. `load` is how many processes wanted the machine meanwhile.
    """
    cases = {(size, case): shown for size in SIZES for case, shown in _cases(detector, _resized(frame, size)).items()}
    spans: dict[tuple[str, str], list[tuple[float, float]]] = {key: [] for key in cases}
    for number in range(rounds + 1):
        for key, (shown, point) in cases.items():
            wall, processor = time.perf_counter(), time.process_time()
            detector.detect_batch([shown], restoration_points=[point])
            if number:
                spans[key].append((time.perf_counter() - wall, time.process_time() - processor))
        progress(number + 1)
    entries = [{"size": size, "case": case} | _spread(spans[size, case]) for size, case in cases]
    return {"rows": entries, "rounds": rounds, "load": round(os.getloadavg()[0], 1)}


def first_frame(clip: Path) -> Pixels:
    """The first frame of a clip."""
    with VideoReader(clip) as video:
        return next(iter(video))


def _cases(detector: MixedDetector, pixels: Pixels) -> dict[str, tuple[MixedFrame, int]]:
    grid, latest = detector.region_grid(*pixels.shape[:2]), detector.restoration_points[-1]
    whole = {"full resolution": (split_regions(pixels, grid), latest)}
    if latest == 0:
        return whole
    full = detector.detect_batch([pixels])[0]
    masks = {share: mask_of("any", share, grid, full, 0) for share in SHARES}
    mixed = {f"{s} % of the regions low, beta {latest}": split_regions(pixels, grid, m) for s, m in masks.items()}
    return whole | {case: (frame, latest) for case, frame in mixed.items()}


def _resized(frame: Pixels, size: str) -> Pixels:
    height, width = SIZES[size]
    return np.asarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _spread(spans: list[tuple[float, float]]) -> dict[str, list[float]]:
    """Median, 10th and 90th percentile of both clocks, milliseconds."""
    low, middle, high = np.percentile(1e3 * np.array(spans), (10, 50, 90), axis=0)
    return {
        name: [round(float(v[i]), 1) for v in (middle, low, high)] for i, name in enumerate(("wall_ms", "processor_ms"))
    }
