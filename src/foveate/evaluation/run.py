"""The main job: a clip played against a server over a shaped link, live or simulated, then scored and drawn.

Truth, F1 and the annotated video are made after the live run, never during it: they would slow it down.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

import foveate
from foveate.core import InputError, Profile, TransportError
from foveate.device import Clip
from foveate.estimators import load_profile, shipped_profiles
from foveate.evaluation.annotate import annotate
from foveate.evaluation.live_log import LiveLog
from foveate.evaluation.outputs import Outputs, spare_inputs
from foveate.evaluation.play import play_live
from foveate.evaluation.play_simulated import play_simulated
from foveate.evaluation.processes import ModelLoader, load_model
from foveate.evaluation.progress import Steps
from foveate.evaluation.report import summary_table
from foveate.evaluation.score import NO_SCORES, score
from foveate.evaluation.settings import RunSettings
from foveate.evaluation.summary import live_figures, machine
from foveate.evaluation.truth import exact_truth
from foveate.evaluation.view import RunView, view_run
from foveate.network import LinkSettings
from foveate.policies import Foreseeing, Policy, by_name, policy_parameters

_OUTPUTS = ("summary.json", "frames.csv", "offloads.csv", "annotated.mp4")
_MANY_DROPPED = 0.1


def run_job(
    settings: RunSettings, *, load: ModelLoader | None = None, console: Console | None = None
) -> dict[str, Any]:
    """Do the main job; returns what `summary.json` holds.

    `load` makes the detector in place of `settings.model`; it must be importable by its name in another process.
    Whatever stops the run, what was seen until then is in `settings.out`; a run that is refused leaves there what was.
    Raises `InputError` if something there is an input of the run, `MediaError` before it starts if truth beside the
    clip is none of it, `TransportError` at the end if a process was lost on the way.
    """
    policy, link = by_name(settings.policy), settings.link()
    profile = None if settings.profile is None else load_profile(settings.profile)
    if profile is None and (settings.simulate or policy.needs_profile):
        wants = "a simulation" if settings.simulate else f"policy {policy.name}"
        raise InputError(
            f"{wants} needs a profile (--profile); these ship with foveate: {', '.join(shipped_profiles())}"
        )
    if not settings.simulate and isinstance(policy, Foreseeing) and policy.foreseen:
        raise InputError(f"policy {policy.name} asks what frames will bring: only a simulation knows (--simulate)")
    spare_inputs([] if settings.view_file is None else [settings.view_file], settings.inputs)
    outputs = Outputs(settings.out, _OUTPUTS, inputs=settings.inputs)
    console = Console() if console is None else console
    log = LiveLog()
    with Clip(settings.video, loop=settings.loop) as clip, Steps(console) as steps:
        summary = _run(
            settings, log, outputs, policy=policy, link=link, profile=profile, clip=clip, load=load, steps=steps
        )
    console.print(summary_table(summary))
    if log.dropped_frames > _MANY_DROPPED * (len(log.shown) + log.dropped_frames):
        console.print("many frames were dropped: this machine is too slow to play the clip at its own rate")
    console.print(f"wrote {settings.out}")
    if log.lost:
        raise TransportError(f"{log.lost} during the run; {settings.out} holds a complete report of it")
    return summary


def _run(
    settings: RunSettings,
    log: LiveLog,
    outputs: Outputs,
    *,
    policy: Policy,
    link: LinkSettings,
    profile: Profile | None,
    clip: Clip,
    load: ModelLoader | None,
    steps: Steps,
) -> dict[str, Any]:
    load = partial(load_model, settings.model) if load is None else load
    exact = exact_truth(clip.path, size=clip.size) if settings.with_truth else None
    scores = NO_SCORES
    try:
        play = _player(settings, profile)
        play(
            log,
            clip=clip,
            policy=policy,
            link=link,
            load=load,
            outputs=outputs,
            steps=steps,
        )
        outputs.begin()
        assert log.welcome is not None
        if settings.with_truth:
            told = steps.begin("truth", clip.file_frame_count)
            scores = score(log, clip=clip, welcome=log.welcome, exact=exact, load=load, progress=told)
    finally:
        summary = _summary(settings, log, scores, policy=policy, profile=profile)
        if outputs.begun:
            _write(settings.out / "summary.json", summary)
    if settings.with_video:
        drawn = steps.begin("annotation", clip.frame_count)
        annotate(settings.out / "annotated.mp4", clip, log, welcome=log.welcome, policy=settings.policy, progress=drawn)
    if settings.view or settings.view_file is not None:
        _view(settings, log, policy=policy, link=link, clip=clip, steps=steps)
    return summary


def _view(settings: RunSettings, log: LiveLog, *, policy: Policy, link: LinkSettings, clip: Clip, steps: Steps) -> None:
    assert log.welcome is not None
    run = RunView(clip=clip, log=log, welcome=log.welcome, policy=policy, trace=link.trace)
    view_run(run, save=settings.view_file, progress=steps.begin("view", clip.frame_count))


def _player(settings: RunSettings, profile: Profile | None) -> Callable[..., None]:
    """What plays the clip: processes and sockets, or virtual time."""
    if not settings.simulate:
        return partial(play_live, profile=profile, pin=settings.pin)
    assert profile is not None
    return partial(play_simulated, profile=profile, seed=settings.seed or 0)


def _summary(
    settings: RunSettings, log: LiveLog, scores: dict[str, Any], *, policy: Policy, profile: Profile | None
) -> dict[str, Any]:
    """What `summary.json` holds."""
    welcome = log.welcome
    return {
        "video": str(settings.video),
        "trace": str(settings.trace),
        "trace_offset_s": settings.trace_offset_s,
        "transport": settings.transport,
        "outages": [{"start_s": outage.start_s, "seconds": outage.seconds} for outage in settings.outages],
        "policy": policy.name,
        "policy_parameters": policy_parameters(policy),
        "model": settings.model if welcome is None else welcome.model,
        "score_threshold": None if welcome is None else welcome.score_threshold,
        "profile": None if profile is None else profile.name,
        "machine": machine(),
        "simulated": settings.simulate,
        "seed": settings.seed,
        "version": foveate.__version__,
        "loop": settings.loop,
        "pinned": settings.pin,
        **live_figures(log),
        **scores,
    }


def _write(path: Path, summary: dict[str, Any]) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n")
