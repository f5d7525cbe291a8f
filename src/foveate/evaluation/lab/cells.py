"""From an experiment to its cells."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from foveate.estimators import load_profile
from foveate.evaluation.lab.cell import Cell, Clip, Model, Timing, Trace, sha256_of
from foveate.evaluation.lab.experiment import Contender, Experiment, Machine, Uplink, Video
from foveate.evaluation.lab.prepare import ClipFacts, digest_of
from foveate.evaluation.lab.rounds import rounds
from foveate.evaluation.offsets import drawn_offset
from foveate.network import UplinkTrace
from foveate.network.messages import Welcome


def cells_of(
    experiment: Experiment, clips: Mapping[Path, ClipFacts], models: Mapping[str, Welcome]
) -> list[tuple[Contender, Cell]]:
    """All cells with their contender, in rounds: every clip and contender over one trace from one start, then the next.

    Rounds follow one another as `rounds` says. Videos or models without facts are left out.

    Raises `MediaError` on a trace or profile that cannot be read.
    """
    traces = traces_of(experiment.uplinks)
    lengths = lengths_of(traces)
    timings = {condition.machine: timing_of(condition.machine) for condition in experiment.conditions}
    seen = [
        (clip_of(video, facts), Model(name=video.model, weights_hash=welcome.weights_hash))
        for video in experiment.videos
        if (facts := clips.get(video.path)) is not None and (welcome := models.get(video.model)) is not None
    ]
    return [
        (
            contender,
            Cell(
                clip=clip,
                model=model,
                trace=trace,
                transport=condition.transport,
                timing=timings[condition.machine],
                policy=contender.policy,
                seconds=experiment.seconds,
                offset_number=number,
                offset_s=drawn_offset(experiment.seed + number, Path(clip.path), Path(trace.path), lengths[trace.path]),
                seed=experiment.seed + number,
            ),
        )
        for condition, number, trace in rounds(experiment.conditions, traces)
        for clip, model in seen
        for contender in experiment.everyone
    ]


def traces_of(uplinks: Sequence[Uplink]) -> list[Trace]:
    """Traces with their clusters: those that share a recording, directly or over others, are one."""
    clusters = _clusters(uplinks)
    return [
        Trace(
            path=str(uplink.path),
            name=uplink.name,
            sha256=sha256_of(uplink.path),
            scale=uplink.scale,
            group=uplink.group,
            cluster=clusters[uplink.name],
        )
        for uplink in uplinks
    ]


def lengths_of(traces: Sequence[Trace]) -> dict[str, float]:
    """Seconds by path; each file is read once, whatever the number of cells. Raises `MediaError`."""
    return {path: UplinkTrace.load(path).duration_s for path in {trace.path for trace in traces}}


def timing_of(machine: Machine) -> Timing:
    """A machine with the digest of its profile."""
    profile, variation = load_profile(machine.profile), machine.variation
    return Timing(
        profile=machine.profile,
        label=machine.label,
        sha256=digest_of(msgspec.json.encode(profile)),
        mixed_gain=variation.mixed_gain,
        codec=variation.codec,
        tracker=variation.tracker,
    )


def clip_of(video: Video, facts: ClipFacts) -> Clip:
    """A video with what its file says."""
    return Clip(
        path=str(video.path),
        name=video.name,
        kind=video.kind,
        sha256=facts.sha256,
        truths=facts.truths,
        frames=facts.frames if video.frames is None else min(video.frames, facts.frames),
    )


def _clusters(uplinks: Sequence[Uplink]) -> dict[str, str]:
    """Name of the cluster of each trace: its first member's."""
    runs = {uplink.name: {_whole(run) for run in uplink.runs} | {f"trace {uplink.name}"} for uplink in uplinks}
    cluster: dict[str, str] = {}
    for name, own in runs.items():
        if name in cluster:
            continue
        members, known = {name}, set(own)
        while joined := {other for other in runs if other not in members and runs[other] & known}:
            members |= joined
            known |= set().union(*(runs[other] for other in joined))
        cluster |= dict.fromkeys(members, name)
    return cluster


def _whole(run: str) -> str:
    """`lte/driving/run1[0:3000]` is part of `lte/driving/run1`."""
    return re.sub(r"\[.*\]$", "", run.strip())
