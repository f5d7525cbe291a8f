"""What configurations bring on the frames of profiling clips: rows that train the estimators of size and accuracy.

Features are as a device would have them: motion from the frames before, relevance from boxes that were tracked for 1
to 30 frames from a result that may itself have been degraded (PROTOCOL, section 5).
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.codec import VideoReader, decode_frame, encode_frame
from foveate.core import Candidates, Detections, FrameContent, OffloadPlan, Pixels, RegionGrid
from foveate.estimators import features, task_relevance
from foveate.metrics import F1Counter
from foveate.policies import configurations, region_types
from foveate.profiling.repeat import Progress, silent
from foveate.server import DetectorLike
from foveate.tracking import GreyPair, Motion, MotionAnalyser, Tracker, reduce

LONGEST_TRACK = 30
"""Frames."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ContentRows:
    """One row per frame and configuration, as columns `(n,)`."""

    columns: dict[str, NDArray[np.float64]]
    """Features of `foveate.estimators.features`, and of the frame: `clip`, `frame`."""
    bytes_per_pixel: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    """F1 of the frame against the model's own result at full resolution; 1 where both saw nothing."""

    def __len__(self) -> int:
        return len(self.accuracy)


def measure_content(
    video: Path,
    detector: DetectorLike,
    *,
    clip: int = 0,
    every: int = 30,
    configurations_per_frame: int = 12,
    seed: int = 0,
    progress: Progress = silent,
) -> ContentRows:
    """Rows of one clip: every `every`-th frame under some of its configurations, drawn by `seed`.

    `clip` names the clip in the rows, so that they can be split by clip. Cost: an inference per row.
    """
    rng = np.random.default_rng([seed, clip])
    rows: list[dict[str, float]] = []
    with VideoReader(video) as reader:
        grid = detector.region_grid(*reader.size)
        analyser, kept = MotionAnalyser(grid), _Tail()
        wanted = (reader.frame_count or 0) // every
        for index, pixels in enumerate(reader):
            grey = reduce(pixels)
            motion = analyser.update(grey)
            kept.add(pixels, grey)
            if index % every == every - 1:
                sample = _Sample(detector=detector, grid=grid, motion=motion, pixels=pixels)
                found = sample.rows(kept, configurations_per_frame, rng)
                rows += [row | {"clip": clip, "frame": index} for row in found]
                progress(index // every + 1, wanted)
    return _table(rows)


def joined(parts: list[ContentRows]) -> ContentRows:
    """Rows of several clips."""
    names = parts[0].columns
    return ContentRows(
        columns={name: np.concatenate([part.columns[name] for part in parts]) for name in names},
        bytes_per_pixel=np.concatenate([part.bytes_per_pixel for part in parts]),
        accuracy=np.concatenate([part.accuracy for part in parts]),
    )


def save_rows(rows: ContentRows, path: Path) -> None:
    """As a compressed numpy archive."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npz")
    columns: dict[str, Any] = {"bytes_per_pixel": rows.bytes_per_pixel, "accuracy": rows.accuracy, **rows.columns}
    np.savez_compressed(part, **columns)
    part.replace(path)


def load_rows(path: Path) -> ContentRows:
    """Inverse of `save_rows`."""
    with np.load(path) as archive:
        columns = {name: archive[name] for name in archive.files}
    size, accuracy = columns.pop("bytes_per_pixel"), columns.pop("accuracy")
    return ContentRows(columns=columns, bytes_per_pixel=size, accuracy=accuracy)


def rows_name(video: Path, *parts: object) -> str:
    """A file name that changes with all that the rows depend on."""
    with video.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return hashlib.sha256("/".join([digest, *map(str, parts)]).encode()).hexdigest()[:24] + ".npz"


class _Tail:
    """The last frames of a clip, the newest last."""

    def __init__(self) -> None:
        self.pixels: list[Pixels] = []
        self.greys: list[GreyPair] = []

    def add(self, pixels: Pixels, grey: GreyPair) -> None:
        self.pixels = [*self.pixels[-LONGEST_TRACK:], pixels]
        self.greys = [*self.greys[-LONGEST_TRACK:], grey]


@dataclass(kw_only=True, eq=False)
class _Sample:
    """One frame of a clip."""

    detector: DetectorLike
    grid: RegionGrid
    motion: Motion
    pixels: Pixels

    def rows(self, kept: _Tail, count: int, rng: np.random.Generator) -> list[dict[str, float]]:
        full = self._detect(OffloadPlan(jpeg_quality=100), self.pixels)[1]
        truth = self.detector.detect_batch([self.pixels])[0]
        content = self._content(self._tracked(kept, full, rng))
        types = region_types(content)
        chosen = configurations(types, content, restoration_points=self.detector.restoration_points)
        picked = rng.permutation(len(chosen.candidates))[:count]
        columns = features(_picked(chosen.candidates, picked), grid=self.grid, content=content)
        rows = []
        for place, index in enumerate(picked):
            plan = _plan(chosen.candidates, chosen.masks, int(index))
            size, seen = self._detect(plan, self.pixels)
            counter = F1Counter()
            counter.add(seen, truth)
            rows.append(
                {name: float(values[place]) for name, values in columns.items()}
                | {
                    "bytes_per_pixel": size / (self.grid.height * self.grid.width),
                    "accuracy": 1.0 if len(seen) + len(truth) == 0 else counter.f1,
                }
            )
        return rows

    def _tracked(self, kept: _Tail, full: Detections, rng: np.random.Generator) -> Detections:
        """What a tracker shows of a result some frames ago; half of these results come from a degraded frame."""
        age = int(rng.integers(1, LONGEST_TRACK + 1))
        if len(kept.greys) <= age:
            return full
        before = kept.pixels[-age - 1]
        mask = self.grid.overlapping(full.boxes) ^ True
        plan = OffloadPlan(jpeg_quality=70, downsampling_mask=mask if mask.any() else None, restoration_point=4)
        start = self._detect(plan if rng.random() < 0.5 and mask.any() else OffloadPlan(jpeg_quality=95), before)[1]
        tracker = Tracker()
        tracker.restart(start, kept.greys[-age - 1])
        tracker.catch_up(kept.greys[-age:])
        return tracker.detections()

    def _content(self, objects: Detections) -> FrameContent:
        return FrameContent(
            region_motion=self.motion.region_motion,
            frame_motion=self.motion.frame_motion,
            task_relevance=task_relevance(objects.boxes, self.grid),
        )

    def _detect(self, plan: OffloadPlan, pixels: Pixels) -> tuple[int, Detections]:
        """Bytes and result of a frame under a plan."""
        beta = min(plan.restoration_point, self.detector.restoration_points[-1])
        plan = replace(plan, restoration_point=beta)
        encoded = encode_frame(pixels, grid=self.grid, mask=plan.downsampling_mask, quality=plan.jpeg_quality)
        mixed = decode_frame(encoded, grid=self.grid, mask=plan.downsampling_mask)
        return encoded.size_bytes, self.detector.detect_batch([mixed], None, [plan.restoration_point])[0]


def _picked(candidates: Candidates, index: NDArray[np.int64]) -> Candidates:
    return Candidates(**{name: getattr(candidates, name)[index] for name in Candidates.__dataclass_fields__})


def _plan(candidates: Candidates, masks: dict[int, NDArray[np.bool_]], index: int) -> OffloadPlan:
    mask = masks[int(candidates.downsampling_type[index])]
    return OffloadPlan(
        downsampling_mask=mask if mask.any() else None,
        downsampling_type=int(candidates.downsampling_type[index]),
        jpeg_quality=int(candidates.jpeg_quality[index]),
        restoration_point=int(candidates.restoration_point[index]),
    )


def _table(rows: list[dict[str, float]]) -> ContentRows:
    names = list(rows[0]) if rows else []
    columns = {name: np.array([row[name] for row in rows]) for name in names}
    empty = np.zeros(0)
    return ContentRows(
        bytes_per_pixel=columns.pop("bytes_per_pixel", empty), accuracy=columns.pop("accuracy", empty), columns=columns
    )
