"""A whole profile of this machine from clips of a camera."""

import hashlib
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np

import foveate
from foveate.codec import VideoReader
from foveate.core import ContentProfile, InputError, MediaError, Pixels, Profile, Provenance, RegionGrid, foveate_home
from foveate.policies import QUALITIES
from foveate.profiling.codec import measure_codec
from foveate.profiling.content import ContentSampling, measure_content
from foveate.profiling.device import measure_decision, measure_device
from foveate.profiling.fit import FitOptions, Target, fit_both, offline_means
from foveate.profiling.judge import OURS, Judged, fitters, judge, leave_one_out
from foveate.profiling.observations import Observation
from foveate.profiling.repeat import Progress
from foveate.profiling.rows import ContentRows, joined
from foveate.profiling.server import measure_server
from foveate.server import DetectorLike

Begin = Callable[[str], Progress]
"""Starts a progress bar of that name."""
VERSION = 1
"""Of observations on disk; raised whenever codec, model or tracker code changes what is observed."""
CONSECUTIVE = 30
"""Frames in a row that motion and tracking are timed on."""


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How often times are measured."""

    repeats: int = 3
    """Measurements of each time."""


def measure_machine(
    video: Path, detector: DetectorLike, *, name: str, begin: Begin, sampling: Sampling | None = None
) -> Profile:
    """Times of codec, model and device on frames of `video`; nothing about content."""
    chosen = sampling or Sampling()
    frames = clip_frames(video)
    grid = detector.region_grid(*frames[0].shape[:2])
    spaced = frames[:: max(1, len(frames) // 3)][:3]
    return Profile(
        name=name,
        provenance=provenance_of(detector, [video.name]),
        codec=measure_codec(spaced, grid, qualities=QUALITIES, repeats=chosen.repeats, progress=begin("codec")),
        server=measure_server(detector, frames[0], repeats=chosen.repeats, progress=begin("server")),
        device=measure_device(frames, grid, cores=os.cpu_count() or 1),
    )


def content_observations(
    video: Path, detector: DetectorLike, *, begin: Begin, sampling: ContentSampling
) -> list[Observation]:
    """Observations of a clip, from `$FOVEATE_HOME/content` as far as they were made before."""
    path = observations_path(video, detector, sampling)
    return measure_content(video, detector, path, sampling=sampling, progress=begin(video.name))


def observations_path(video: Path, detector: DetectorLike, sampling: ContentSampling) -> Path:
    """A file whose name changes with all that an observation depends on, and not with how much is observed."""
    with video.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    drawn = sampling.every, sampling.seed
    key = msgspec.json.encode([VERSION, digest, detector.weights_hash, detector.score_threshold, drawn])
    return foveate_home() / "content" / f"{hashlib.sha256(key).hexdigest()[:24]}.jsonl"


def with_content(
    profile: Profile, parts: Sequence[ContentRows], *, provenance: Provenance, options: FitOptions | None = None
) -> tuple[Profile, dict[Target, Judged]]:
    """The profile with estimators fitted to all rows, and how such fits do on clips that they have not seen.

    Each clip is estimated by a fit on the others; of one clip the last quarter is held out. Raises `InputError` if
    there are too few rows to hold any out.
    """
    pairs, methods = leave_one_out(parts), fitters(options)
    if any(len(seen) < 2 or len(unseen) < 2 for seen, unseen in pairs):
        raise InputError("estimators need two rows to fit and two to judge, on each side of the split")
    judged: dict[Target, Judged] = {
        "size": judge(pairs, "size", methods),
        "accuracy": judge(pairs, "accuracy", methods),
    }
    everything = joined(list(parts))
    best = fit_both(everything, "device", options)
    content = ContentProfile(
        size=best.size,
        accuracy=best.accuracy,
        quality_of_fit=_quality(judged),
        paper=fit_both(everything, "paper", options),
        means=offline_means(everything),
        provenance=provenance,
    )
    return replace(profile, content=content), judged


def _quality(judged: Mapping[Target, Judged]) -> dict[str, float]:
    return {
        f"{target}_{figure}": float(value)
        for target, result in judged.items()
        for figure, value in asdict(result.figures(OURS)).items()
    }


def with_decision(profile: Profile) -> Profile:
    """The profile with the time that this machine takes to decide."""
    grid = RegionGrid(height=profile.codec.frame_size[0], width=profile.codec.frame_size[1])
    return replace(profile, device=replace(profile.device, decide_s=measure_decision(profile, grid)))


def clip_frames(video: Path) -> list[Pixels]:
    """The first frames of a clip. Raises `MediaError` if there are fewer than 3."""
    with VideoReader(video) as reader:
        frames = list(islice(reader, CONSECUTIVE))
    if len(frames) < 3:
        raise MediaError(f"{video} must hold at least 3 frames to be measured on, got {len(frames)}")
    return frames


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def provenance_of(detector: DetectorLike, clips: Sequence[str]) -> Provenance:
    """Machine, date, versions and model of a measurement made now."""
    return Provenance(
        origin="measured",
        machine=machine_name(),
        date=datetime.now(UTC).date().isoformat(),
        versions={"foveate": foveate.__version__, "python": platform.python_version(), "numpy": np.__version__},
        model=detector.name,
        weights_hash=detector.weights_hash,
        sources=(f"foveate profile on {', '.join(clips)}",),
    )


def machine_name() -> str:
    """Processor, cores and system of this machine."""
    return f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"
