"""Times every stage once per round, ceilings included, so that a busy machine hits all of them alike."""

import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

import foveate
from foveate.codec import VideoReader
from foveate.core import InputError, Mask, Pixels, Profile, RegionGrid, split_regions
from foveate.models import Detector
from foveate.models.ceilings import (
    Probe,
    Rates,
    global_attention_probe,
    product_probe,
    window_attention_probe,
)
from foveate.models.stage_times import STAGES, time_stages
from foveate.profiling.masks import mask_with
from foveate.profiling.repeat import Progress, silent
from foveate.profiling.way.device_stages import Timed, codec_stages, device_stages
from foveate.profiling.way.report import Row, Way

FRAMES = 30
"""Consecutive frames that the device's stages run over."""
COPIED = 2**26
"""Bytes of the copy that shows the rate of memory."""


@dataclass(frozen=True, kw_only=True)
class WaySettings:
    """How the way is measured. Raises `InputError` on fewer than two rounds or shares outside 0..1."""

    size: tuple[int, int] | None = (1080, 1920)
    """`(height, width)` that the clip's frames are brought to; None = as they are."""
    rounds: int = 9
    objects: int = 30
    shares: tuple[float, ...] = (0.25, 0.5, 0.75)
    """Of the regions, downsampled."""
    restoration_points: tuple[int, ...] | None = None
    """Of frames with downsampled regions; None = the middle and the last of the model."""
    seed: int = 0
    """Which regions they are."""

    def __post_init__(self) -> None:
        if self.rounds < 2 or not all(0 < share <= 1 for share in self.shares):
            raise InputError(f"need two rounds and shares above 0 up to 1, got {self.rounds} and {self.shares}")


def measure_way(
    video: Path, detector: Detector, profile: Profile, settings: WaySettings, *, progress: Progress = silent
) -> Way:
    """The way of frames of `video` on this machine; `profile` needs content, as the decision compares estimates."""
    reader = _Frames(video, settings.size)
    frames = reader.first(FRAMES)
    grid = detector.region_grid(*frames[0].shape[:2])
    masks = {"full": np.zeros(grid.shape, np.bool_)} | {
        f"{share:.0%} low": mask_with(grid, round(share * len(grid)), seed=settings.seed) for share in settings.shares
    }
    timed = [
        Timed(end="device", stage="decode video", call=reader.next),
        *device_stages(frames, grid, profile, settings.objects),
        *codec_stages(frames[0], grid, masks),
    ]
    last = detector.restoration_points[-1]
    points = settings.restoration_points or tuple(sorted({(last + 1) // 2, last}))
    model = _ModelStages(detector, frames[0], grid, masks, points)
    probes = _probes(detector, grid)
    seconds = _run(timed, model, probes, settings.rounds, progress)
    rates = {name: probe.operations / min(seconds[name]) for name, probe in probes.items()}
    rows = [*_rows(timed, seconds), *model.rows(seconds, _backbone_rates(detector, rates))]
    return Way(
        machine=describe_machine(),
        model=detector.name,
        frame_size=(grid.height, grid.width),
        rounds=settings.rounds,
        objects=settings.objects,
        rows=tuple(rows),
        model_stages=STAGES,
        rates=rates,
        peak_bytes=1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    )


class _Frames:
    """Frames of a clip: some at the size that is asked for, and one after the other without end."""

    def __init__(self, video: Path, size: tuple[int, int] | None) -> None:
        self._video, self._size = video, size
        self._reader = VideoReader(video)

    def first(self, count: int) -> list[Pixels]:
        """The first ones. Raises `InputError` if there are fewer than 3."""
        with VideoReader(self._video) as reader:
            frames = list(islice(reader, count))
        if len(frames) < 3:
            raise InputError(f"{self._video} must hold at least 3 frames to be measured on, got {len(frames)}")
        if self._size is None:
            return frames
        height, width = self._size
        return [np.asarray(cv2.resize(pixels, (width, height)), np.uint8) for pixels in frames]

    def next(self) -> Pixels:
        """One frame more, as the file holds it."""
        pixels = next(self._reader, None)
        if pixels is None:
            self._reader.close()
            self._reader = VideoReader(self._video)
            pixels = next(self._reader)
        return pixels


class _ModelStages:
    """Stages inside inferences of several masks and restoration points."""

    def __init__(
        self,
        detector: Detector,
        pixels: Pixels,
        grid: RegionGrid,
        masks: dict[str, Mask],
        restoration_points: Sequence[int],
    ) -> None:
        self._detector, self._grid = detector, grid
        self._cases = {
            (f"{name}, beta {beta}" if mask.any() else name): (mask, beta)
            for name, mask in masks.items()
            for beta in (restoration_points if mask.any() else (0,))
        }
        self._frames = {name: split_regions(pixels, grid, mask) for name, (mask, _) in self._cases.items()}

    def run(self, note: Callable[[str, float], None]) -> None:
        """One inference of every case."""
        for name, (_, beta) in self._cases.items():
            for stage, took in time_stages(self._detector, self._frames[name], beta).items():
                note(f"{stage}, {name}", took)

    def rows(self, seconds: dict[str, list[float]], rates: Rates) -> list[Row]:
        """A row for each stage of each case."""
        rows = []
        for name, (mask, beta) in self._cases.items():
            work = (self._detector.config.backbone, self._grid, mask, beta)
            bounds: dict[str, Any] = {
                "ceiling": "two-term ceiling",
                "ceiling_s": rates.backbone_s(*work),
                "products_s": rates.products_alone_s(*work),
            }
            for stage in STAGES:
                took = seconds[f"{stage}, {name}"]
                rows.append(Row.of("server", stage, took, case=name, **(bounds if stage == "backbone" else {})))
        return rows


def _probes(detector: Detector, grid: RegionGrid) -> dict[str, Probe]:
    config, dtype = detector.config.backbone, next(detector.parameters()).dtype
    kind = str(dtype).removeprefix("torch.")
    source = np.zeros(COPIED, np.uint8)
    target = np.empty_like(source)
    probes = {
        f"products, {kind}, FLOP/s": product_probe(config, grid, dtype),
        f"global attention, {kind}, FLOP/s": global_attention_probe(config, grid, dtype),
        f"window attention, {kind}, FLOP/s": window_attention_probe(config, grid, dtype),
        "memory copy, B/s": Probe(call=lambda: np.copyto(target, source), operations=float(COPIED)),
    }
    if dtype != torch.float32:
        probes["products, float32, FLOP/s"] = product_probe(config, grid, torch.float32)
    return probes


def _backbone_rates(detector: Detector, rates: dict[str, float]) -> Rates:
    kind = str(next(detector.parameters()).dtype).removeprefix("torch.")
    return Rates(
        product=rates[f"products, {kind}, FLOP/s"],
        global_attention=rates[f"global attention, {kind}, FLOP/s"],
        window_attention=rates[f"window attention, {kind}, FLOP/s"],
    )


def _run(
    timed: Sequence[Timed], model: _ModelStages, probes: dict[str, Probe], rounds: int, progress: Progress
) -> dict[str, list[float]]:
    """Seconds of every call in every round; the first round does not count."""
    seconds: dict[str, list[float]] = {}

    def note(name: str, took: float) -> None:
        seconds.setdefault(name, []).append(took)

    for done in range(rounds + 1):
        seconds = seconds if done > 1 else {}
        for item in timed:
            note(item.key, _took(item.call))
            if item.bare is not None:
                note(f"bare {item.key}", _took(item.bare))
        with torch.inference_mode():
            model.run(note)
            for name, probe in probes.items():
                note(name, _took(probe.call))
        progress(done + 1, rounds + 1)
    return seconds


def _took(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _rows(timed: Sequence[Timed], seconds: dict[str, list[float]]) -> list[Row]:
    return [
        Row.of(
            item.end,
            item.stage,
            seconds[item.key],
            case=item.case,
            ceiling=item.ceiling,
            ceiling_s=None if item.bare is None else statistics.median(seconds[f"bare {item.key}"]),
        )
        for item in timed
    ]


def describe_machine() -> str:
    """Processor, threads and versions."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return (
        f"{name or platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"{torch.get_num_threads()} threads; foveate {foveate.__version__}, Python {platform.python_version()}, "
        f"torch {torch.__version__}, numpy {np.__version__}, OpenCV {cv2.__version__}"
    )
