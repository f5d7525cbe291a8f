"""The main job for policies that answer single frames: a clip played, live or simulated, then scored and drawn."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

import foveate
from foveate.core import ClassProfile, InputError
from foveate.device import Clip
from foveate.estimators import load_profile
from foveate.evaluation.annotate import annotate_answers
from foveate.evaluation.answer_figures import answer_figures, answer_scores
from foveate.evaluation.answer_log import AnswerLog
from foveate.evaluation.answer_report import answer_table
from foveate.evaluation.answer_settings import AnswerSettings
from foveate.evaluation.glances import DeviceModelLoader, load_device_model
from foveate.evaluation.lab.references import independent_truths
from foveate.evaluation.lab.segment import Segment
from foveate.evaluation.outputs import Outputs
from foveate.evaluation.play_answers import simulate_answers
from foveate.evaluation.play_live_answers import play_live_answers
from foveate.evaluation.processes import ModelLoader, load_model
from foveate.evaluation.progress import Steps
from foveate.evaluation.summary import machine
from foveate.metrics import Truth
from foveate.policies import policy_parameters
from foveate.policies.answering import AnswerPolicy, Classing, answer_policy

_OUTPUTS = ("summary.json", "frames.csv", "offloads.csv", "answers.csv", "annotated.mp4")


def answer_job(
    settings: AnswerSettings,
    *,
    load: ModelLoader | None = None,
    load_device: DeviceModelLoader | None = None,
    console: Console | None = None,
) -> dict[str, Any]:
    """Do the main job; returns what `summary.json` holds.

    `load` and `load_device` make models in place of those that the settings name. Whatever stops the run, what was
    seen until then is in `settings.out`; a run that is refused leaves there what was. Raises `InputError` if something
    there is an input of the run, `MediaError` before it starts if truth beside the clip is none of it.
    """
    policy, link = answer_policy(settings.policy), settings.link()
    profile = class_profile(settings.profile, policy)
    load = partial(load_model, settings.model) if load is None else load
    load_device = partial(load_device_model, settings.device_model) if load_device is None else load_device
    outputs = Outputs(settings.out, _OUTPUTS, inputs=settings.inputs)
    console, log = Console() if console is None else console, AnswerLog()
    with _clip(settings) as clip, Steps(console) as steps:
        play = _simulated if settings.simulate else play_live_answers
        truths = independent_truths(settings.video, size=clip.size) if settings.with_truth else {}
        try:
            play(
                log,
                clip=clip,
                policy=policy,
                link=link,
                settings=settings,
                profile=profile,
                load=load,
                load_device=load_device,
                outputs=outputs,
                steps=steps,
            )
            outputs.begin()
        finally:
            summary = _summary(settings, log, clip, policy=policy, truths=truths)
            if outputs.begun:
                _write(settings.out / "summary.json", summary)
        if settings.with_video:
            drawn = steps.begin("annotation", clip.frame_count)
            annotate_answers(settings.out / "annotated.mp4", clip, log, policy=settings.policy, progress=drawn)
    console.print(answer_table(summary))
    console.print(f"wrote {settings.out}")
    return summary


def class_profile(name: str | None, policy: AnswerPolicy) -> ClassProfile | None:
    """What classes of patches cost, of a profile's name or path; None without a name.

    Raises `InputError` on a profile that does not say, or says it of classes that are made in another way than the
    policy's, and without one if the policy needs it.
    """
    if name is None:
        if policy.schedules:
            raise InputError(f"policy {policy.name} needs a profile with classes (--profile)")
        return None
    classes = load_profile(name).classes
    if classes is None:
        raise InputError(f"profile {name} says nothing of what importance classes cost; another one must be named")
    if isinstance(policy, Classing) and classes.importance is not None:
        _check_alike(policy.name, policy.importance_wish.parameters, name, classes.importance.parameters)
    return classes


def _check_alike(policy: str, wanted: Mapping[str, str], profile: str, known: Mapping[str, str]) -> None:
    if wanted != known:
        ours, theirs = (",".join(f"{key}={value}" for key, value in made.items()) for made in (wanted, known))
        raise InputError(
            f"policy {policy} makes classes by {ours}, profile {profile} knows what those by {theirs} cost: "
            "change the parameters or name another profile"
        )


def _clip(settings: AnswerSettings) -> Clip:
    if settings.seconds is None:
        return Clip(settings.video, loop=settings.loop)
    return Segment(settings.video, seconds=settings.seconds)


def _simulated(
    log: AnswerLog,
    *,
    load: Callable[[], Any],
    load_device: DeviceModelLoader,
    settings: AnswerSettings,
    steps: Steps,
    clip: Clip,
    **rest: Any,
) -> None:
    loaded = steps.begin("load", 2)
    cloud, device = load(), load_device()
    loaded(2)
    simulate_answers(
        log,
        settings=settings,
        clip=clip,
        cloud=cloud,
        device=device,
        progress=steps.begin("simulation", clip.frame_count),
        **rest,
    )


def _summary(
    settings: AnswerSettings,
    log: AnswerLog,
    clip: Clip,
    *,
    policy: AnswerPolicy,
    truths: Mapping[str, Mapping[int, Truth]],
) -> dict[str, Any]:
    welcome = log.welcome
    frames = len(log.shown)
    return {
        "video": str(settings.video),
        "trace": str(settings.trace),
        "trace_offset_s": settings.trace_offset_s,
        "transport": settings.transport,
        "outages": [{"start_s": outage.start_s, "seconds": outage.seconds} for outage in settings.outages],
        "policy": policy.name,
        "policy_parameters": policy_parameters(policy),
        "model": settings.model if welcome is None else welcome.model,
        "device_model": settings.device_model,
        "rules": msgspec.to_builtins(settings.rules),
        "times": msgspec.to_builtins(settings.times),
        "times_are": "assumed" if settings.simulate else "measured; those given are first expectations",
        "profile": settings.profile,
        "machine": machine(),
        "simulated": settings.simulate,
        "seed": settings.seed,
        "version": foveate.__version__,
        **answer_figures(log, deadline_s=settings.rules.deadline_s, seconds=max(frames, 1) / clip.fps),
        "dropped_frames": log.dropped_frames,
        "scores": {name: answer_scores(log, truth, clip.file_position) for name, truth in truths.items()},
    }


def _write(path: Path, summary: dict[str, Any]) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n")
