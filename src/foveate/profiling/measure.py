"""A whole profile of this machine from clips of a camera."""

import os
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import numpy as np

import foveate
from foveate.codec import VideoReader
from foveate.core import ContentProfile, InputError, MediaError, Pixels, Profile, Provenance, RegionGrid, foveate_home
from foveate.policies import QUALITIES
from foveate.profiling.codec import measure_codec
from foveate.profiling.content import ContentRows, joined, load_rows, measure_content, rows_name, save_rows
from foveate.profiling.device import measure_decision, measure_device
from foveate.profiling.fit import Figures, compare, fit_network
from foveate.profiling.repeat import Progress
from foveate.profiling.server import measure_server
from foveate.server import DetectorLike

Begin = Callable[[str], Progress]
"""Starts a progress bar of that name."""
CONSECUTIVE = 30
"""Frames in a row that motion and tracking are timed on."""


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How much of the clips is measured."""

    every: int = 30
    """One frame of this many gives rows of content."""
    per_frame: int = 12
    """Configurations tried on each."""
    repeats: int = 3
    """Measurements of each time."""
    seed: int = 0


def measure_machine(
    video: Path, detector: DetectorLike, *, name: str, begin: Begin, sampling: Sampling | None = None
) -> Profile:
    """Times of codec, model and device on frames of `video`; nothing about content."""
    chosen = sampling or Sampling()
    frames = list(_frames(video))
    grid = detector.region_grid(*frames[0].shape[:2])
    spaced = frames[:: max(1, len(frames) // 3)][:3]
    return Profile(
        name=name,
        provenance=_provenance(detector, video),
        codec=measure_codec(spaced, grid, qualities=QUALITIES, repeats=chosen.repeats, progress=begin("codec")),
        server=measure_server(detector, frames[0], repeats=chosen.repeats, progress=begin("server")),
        device=measure_device(frames, grid, cores=os.cpu_count() or 1),
    )


def content_rows(
    videos: Sequence[Path], detector: DetectorLike, *, begin: Begin, sampling: Sampling | None = None
) -> list[ContentRows]:
    """Rows of each clip, from `$FOVEATE_HOME/content` where they were measured before."""
    chosen, parts = sampling or Sampling(), []
    for number, video in enumerate(videos):
        key = (detector.weights_hash, chosen.every, chosen.per_frame, chosen.seed, number)
        path = foveate_home() / "content" / rows_name(video, *key)
        if not path.is_file():
            rows = measure_content(
                video,
                detector,
                clip=number,
                every=chosen.every,
                configurations_per_frame=chosen.per_frame,
                seed=chosen.seed,
                progress=begin(video.name),
            )
            save_rows(rows, path)
        parts.append(load_rows(path))
    return parts


def with_content(
    profile: Profile, parts: Sequence[ContentRows], *, seed: int = 0
) -> tuple[Profile, dict[str, dict[str, Figures]]]:
    """The profile with estimators fitted to all rows, and the errors of such fits on clips that they have not seen.

    Of one clip the last quarter is held out. Raises `InputError` if there are too few rows to hold any out.
    """
    seen, unseen = _split(parts)
    if len(seen) < 2 or len(unseen) < 2:
        raise InputError(f"estimators need two rows to fit and two to judge, got {len(seen)} and {len(unseen)}")
    judged = {
        "size": compare(seen, unseen, "size", seed=seed),
        "accuracy": compare(seen, unseen, "accuracy", seed=seed),
    }
    everything = joined(list(parts))
    quality = {
        f"{target}_{figure}": float(value)
        for target, fits in judged.items()
        for figure, value in asdict(fits["network"]).items()
    }
    content = ContentProfile(
        size=fit_network(everything, "size", seed=seed),
        accuracy=fit_network(everything, "accuracy", seed=seed),
        quality_of_fit=quality,
    )
    return replace(profile, content=content), judged


def with_decision(profile: Profile) -> Profile:
    """The profile with the time that this machine takes to decide."""
    grid = RegionGrid(height=profile.codec.frame_size[0], width=profile.codec.frame_size[1])
    return replace(profile, device=replace(profile.device, decide_s=measure_decision(profile, grid)))


def _split(parts: Sequence[ContentRows]) -> tuple[ContentRows, ContentRows]:
    if len(parts) > 1:
        return joined(list(parts[:-1])), parts[-1]
    frames = parts[0].columns["frame"]
    late = frames > np.quantile(frames, 0.75) if len(frames) else np.zeros(0, np.bool_)
    return _rows(parts[0], ~late), _rows(parts[0], late)


def _rows(rows: ContentRows, keep: np.ndarray) -> ContentRows:
    return ContentRows(
        columns={name: values[keep] for name, values in rows.columns.items()},
        bytes_per_pixel=rows.bytes_per_pixel[keep],
        accuracy=rows.accuracy[keep],
    )


def _frames(video: Path) -> Iterator[Pixels]:
    with VideoReader(video) as reader:
        count = 0
        for count, pixels in enumerate(islice(reader, CONSECUTIVE), 1):  # noqa: B007
            yield pixels
        if count < 3:
            raise MediaError(f"{video} must hold at least 3 frames to be measured on, got {count}")


def _provenance(detector: DetectorLike, video: Path) -> Provenance:
    return Provenance(
        origin="measured",
        machine=f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
        date=datetime.now(UTC).date().isoformat(),
        versions={"foveate": foveate.__version__, "python": platform.python_version(), "numpy": np.__version__},
        model=detector.name,
        weights_hash=detector.weights_hash,
        sources=(f"foveate profile on {video.name}",),
    )
