"""Clips, traces and machines that experiments are made of, found on this machine."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast, get_args

import numpy as np

import foveate
from foveate.core import InputError, foveate_home
from foveate.evaluation.lab import Contender, Machine, Uplink, Variation, Video
from foveate.evaluation.splits import find_clip, load_splits
from foveate.network import UplinkTrace

SAMPLES = Path(foveate.__file__).parent / "samples"
"""Clip and trace that ship with foveate."""
RENDERED_MODEL = "vitdet-tiny-world"
REAL_MODEL = "vitdet-tiny-research"
"""Looked for in `weights/` of the checkout: its terms keep it out of the wheel."""
PAPER = "paper-jetson-rtx5090"
"""Profile of the machines in the ViTMAlis paper."""
PAPER_MBPS = {"4g": (10.4, 36.4), "5g": (12.2, 135.5)}
"""Means of the paper's traces (section VI-A)."""
Side = Literal["profiling", "evaluation"]
Part = Literal["main", "links", "all"]
"""The main tables alone; with other traces and transports; with other durations too."""
TRANSPORTS = ("ideal", "tcp")
"""A comparison needs both: over TCP a sender that pauses between frames pays for it (docs/architecture.md)."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Where things lie, and what the user wants other than usual."""

    data: Path = field(default_factory=lambda: Path("../shared/data"))
    """Folder with `videos` and `traces`."""
    rendered_model: str = RENDERED_MODEL
    """For rendered clips."""
    real_model: str = ""
    """For real clips; empty: `REAL_MODEL`."""
    profile: str = PAPER
    """Of the main tables."""
    measured: tuple[str, ...] = ()
    """Profiles of other machines, tried beside the first, whatever the part."""
    part: Part = "all"
    """How much of the variations is wanted."""
    seed: int = 0
    seconds: float | None = None
    """Length of a cell in place of the experiment's own."""
    offsets: int | None = None
    """Starts in each trace in place of the experiment's own."""

    @property
    def model_of_real_clips(self) -> str:
        """By name if it is installed, else from the checkout."""
        if self.real_model:
            return self.real_model
        beside = Path("weights") / f"{REAL_MODEL}.safetensors"
        return str(beside) if beside.is_file() else REAL_MODEL


def sample_video(inputs: Inputs) -> Video:
    """The rendered clip that ships with foveate."""
    return Video(path=SAMPLES / "street.mp4", model=inputs.rendered_model, kind="rendered")


def sample_uplink() -> Uplink:
    """The synthetic trace that ships with foveate."""
    return Uplink(path=SAMPLES / "uplink.csv", group="synthetic")


def standard_videos(inputs: Inputs, side: Side = "evaluation") -> tuple[Video, ...]:
    """Clips of one side of the splits; those that are not on this machine stand for themselves and are reported."""
    videos = []
    for clip in (clip for clip in load_splits().clips if clip.side == side):
        path = find_clip(clip, inputs.data / "videos") or _where_it_should_be(clip.name, clip.kind, inputs)
        model = inputs.rendered_model if clip.kind == "rendered" else inputs.model_of_real_clips
        videos.append(Video(path=path, model=model, kind=clip.kind, frames=clip.frames))
    return tuple(videos)


def standard_uplinks(inputs: Inputs, side: Literal["tuning", "evaluation", "all"] = "evaluation") -> tuple[Uplink, ...]:
    """Traces of one side of the splits as recorded (`all`: evaluation and reserve), then scaled to the paper's range.

    Raises `InputError` where the folder of traces lacks one.
    """
    wanted = {"evaluation", "reserve"} if side == "all" else {side}
    files = [trace.file for trace in load_splits().traces if trace.side in wanted]
    folder = inputs.data / "traces"
    if absent := [file for file in files if not (folder / file).is_file()]:
        raise InputError(f"{folder} needs the traces of the standard table, {absent[0]} is not there (--data)")
    runs = _source_runs(folder / "index.csv")
    recorded = tuple(Uplink(path=folder / file, runs=runs.get(file, ())) for file in files)
    return recorded if inputs.part == "main" else recorded + in_paper_range(recorded)


def in_paper_range(uplinks: Sequence[Uplink]) -> tuple[Uplink, ...]:
    """The same traces scaled, so that the means of each technology span those of the paper."""
    means = {uplink: UplinkTrace.load(uplink.path).mean_bps / 1e6 for uplink in uplinks}
    scaled = []
    for uplink in uplinks:
        technology = uplink.path.parent.name
        if technology not in PAPER_MBPS:
            continue
        peers = [mean for other, mean in means.items() if other.path.parent.name == technology]
        low, high = min(peers), max(peers)
        target = float(np.interp(means[uplink], (low, high), PAPER_MBPS[technology])) if high > low else means[uplink]
        scaled.append(
            Uplink(path=uplink.path, scale=round(target / means[uplink], 4), group="paper range", runs=uplink.runs)
        )
    return tuple(scaled)


def paper_contenders() -> tuple[Contender, ...]:
    """The five of section VI-A."""
    return (
        Contender(label="Back2Back", policy="back2back"),
        Contender(label="TrackB2B", policy="track-b2b"),
        Contender(label="TrackRoI", policy="track-roi"),
        Contender(label="TrackUD", policy="track-ud"),
        Contender(label="ViTMAlis", policy="vitmalis"),
    )


def transports(inputs: Inputs) -> tuple[str, ...]:
    """The main one, then the other."""
    return TRANSPORTS[:1] if inputs.part == "main" else TRANSPORTS


def machines(inputs: Inputs) -> tuple[Machine, ...]:
    """The profile, then what its verdicts depend on (docs/lab.md), then the measured machines."""
    main, *measured = named_machines(inputs)
    if inputs.part != "all":
        return (main, *measured)
    variations = (
        Variation(mixed_gain=0.7),
        Variation(mixed_gain=1.3),
        Variation(codec=0.5),
        Variation(codec=2.0),
        Variation(tracker=0.5),
        Variation(tracker=2.0),
    )
    varied = (Machine(profile=inputs.profile, variation=variation) for variation in variations)
    return (main, *varied, *measured)


def named_machines(inputs: Inputs) -> tuple[Machine, ...]:
    """The profile, then the measured machines."""
    return tuple(Machine(profile=profile) for profile in (inputs.profile, *inputs.measured))


def _where_it_should_be(name: str, kind: str, inputs: Inputs) -> Path:
    folder = foveate_home() / "world" / name if kind == "rendered" else inputs.data / "videos"
    return folder / f"{name}.mp4"


def _source_runs(index: Path) -> dict[str, tuple[str, ...]]:
    """From which recordings each trace was cut; empty where nobody wrote it down.

    Raises `InputError` on a table without these columns: intervals would take every trace for a recording of its own.
    """
    if not index.is_file():
        return {}
    with index.open(newline="", encoding="utf-8") as file:
        table = csv.DictReader(file)
        if absent := {"file", "source_runs"} - set(table.fieldnames or ()):
            raise InputError(f"{index} needs columns file and source_runs, {', '.join(sorted(absent))} are not there")
        return {row["file"]: _runs(row["source_runs"]) for row in table}


def _runs(text: str | None) -> tuple[str, ...]:
    """An empty field is no recording that all such traces would share."""
    return tuple(run for run in (text or "").split(";") if run.strip())


def part_of(text: str) -> Part:
    """The part that a user names. Raises `InputError` on any other word."""
    for known in get_args(Part):
        if text == known:
            return cast("Part", text)
    raise InputError(f"a part of an experiment is one of {', '.join(get_args(Part))}, got {text!r}")
