"""Renders the standard sets of `splits` into the folder of what can be made again."""

from dataclasses import replace
from pathlib import Path

from foveate.core import foveate_home
from foveate.world.clip import render_clip
from foveate.world.errors import OrderError
from foveate.world.splits import ClipSet, Set, StillsSet, standard_set
from foveate.world.stills import Progress, render_stills

_SECONDS_PER_MEGAPIXEL = {True: 0.7, False: 0.5}
"""Seconds of one core for a megapixel of stills (True) and of clips (False): a rough measure, see docs/world.md."""


def render_set(name: str, *, length: float | None = None, processes: int = 2, progress: Progress | None = None) -> Path:
    """Renders the standard set `name` under `$FOVEATE_HOME/world` and returns the file with its truth.

    `length` instead of the set's own: seconds of a clip, or number of stills. What lies there already is not rendered
    again. Raises `OrderError` for an unknown name or a bad length, and what `render_clip` and `render_stills` raise.
    """
    entry = standard_set(name) if length is None else resized(standard_set(name), length)
    if isinstance(entry, ClipSet):
        return _clip(entry, processes, progress)
    return render_stills(
        entry.scenarios,
        count=entry.count,
        size=list(entry.sizes),
        seed=entry.seed,
        frames_per_scene=entry.frames_per_scene,
        out=place(entry),
        quality=entry.quality,
        progress=progress,
        processes=processes,
        unseen=entry.unseen,
    )


def resized(entry: Set, length: float) -> Set:
    """`entry` with another number of seconds or of stills; raises `OrderError` for none at all."""
    if length <= 0 or (isinstance(entry, StillsSet) and length != int(length)):
        raise OrderError(f"{entry.name} needs more than 0 seconds or a whole number of stills, got {length:g}")
    if isinstance(entry, ClipSet):
        return replace(entry, seconds=float(length))
    return replace(entry, count=int(length))


def place(entry: Set) -> Path:
    """Folder of stills, or file of a clip; a clip of another length than the standard one has it in its name."""
    home = foveate_home() / "world"
    if isinstance(entry, StillsSet):
        return home / entry.name
    usual = standard_set(entry.name)
    same = isinstance(usual, ClipSet) and usual.seconds == entry.seconds
    return home / entry.name / f"{entry.name if same else f'{entry.name}-{entry.seconds:g}s'}.mp4"


def core_minutes(entry: Set) -> float:
    """Estimated minutes of one idle core that `entry` takes to render."""
    return entry.pixels / 1e6 * _SECONDS_PER_MEGAPIXEL[isinstance(entry, StillsSet)] / 60


def _clip(entry: ClipSet, processes: int, progress: Progress | None) -> Path:
    out = place(entry)
    truth = out.with_suffix(".json")
    # The video takes its name last, so where it is the clip is whole.
    if out.exists() and truth.exists():
        return truth
    return render_clip(
        entry.scenario,
        seconds=entry.seconds,
        size=entry.size,
        seed=entry.seed,
        fps=entry.fps,
        out=out,
        progress=progress,
        processes=processes,
        unseen=entry.unseen,
    )
