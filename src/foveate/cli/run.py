"""`foveate run`: the main job."""

from pathlib import Path
from typing import Annotated, Any

import typer

EXAMPLE = (
    "Example: foveate run src/foveate/samples/street.mp4 --trace src/foveate/samples/uplink.csv "
    "--policy fixed:beta=4,quality=90 --out out/run"
)


def run(
    video: Annotated[Path, typer.Argument(help="The clip that plays the camera.")],
    *,
    trace: Annotated[Path, typer.Option(help="Uplink trace: a CSV (t_s,uplink_mbps,rtt_ms) or a mahimahi .up file.")],
    out: Annotated[Path, typer.Option(help="Folder for summary.json, frames.csv, offloads.csv and annotated.mp4.")],
    policy: Annotated[str, typer.Option(help="NAME[:parameter=value,...]; a wrong name lists them all.")],
    model: Annotated[str, typer.Option(help="Name or path of the server's model.")] = "vitdet-tiny-world",
    simulate: Annotated[
        bool, typer.Option("--simulate", help="On virtual time, with the profile's durations.")
    ] = False,
    profile: Annotated[
        str | None,
        typer.Option(
            help="Name or path of a profile. Simulations of streams need one, and vitmalis, uniform-opt, roi-opt and "
            "oracle; hyperion and hyperion-mixed one with classes."
        ),
    ] = None,
    trace_offset: Annotated[
        float | None, typer.Option(help="Start in the trace, seconds. Default: drawn from --seed, or 0.")
    ] = None,
    rtt_ms: Annotated[
        float | None, typer.Option(help="Round trip of a mahimahi trace, milliseconds, at most 500. Default: 40.")
    ] = None,
    transport: Annotated[
        str, typer.Option(help="ideal: the whole link at once; tcp: a window opens step by step, again after pauses.")
    ] = "ideal",
    outage: Annotated[
        list[str] | None,
        typer.Option(metavar="START:SECONDS", help="Cut the link; seconds since its first byte. May be repeated."),
    ] = None,
    device_model: Annotated[
        str | None, typer.Option(help="Answering policies: the device's own model. Default: --model's.")
    ] = None,
    deadline_ms: Annotated[
        float | None, typer.Option(help="Answering policies: from capture to answer.", show_default="400")
    ] = None,
    late: Annotated[
        str | None,
        typer.Option(
            help="Answering policies, at the deadline: device answers, or the last answer is kept.",
            show_default="device",
        ),
    ] = None,
    pipelined: Annotated[
        bool, typer.Option("--pipelined", help="Answering policies: device and cloud work on different frames.")
    ] = False,
    look_scale: Annotated[
        float | None, typer.Option(help="Answering policies: scale of the device's view.", show_default="0.5")
    ] = None,
    look_ms: Annotated[
        float | None, typer.Option(help="Answering policies: the device's model on a frame.", show_default="150")
    ] = None,
    cloud_ms: Annotated[
        float | None, typer.Option(help="Answering policies: the cloud's model on a frame.", show_default="60")
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="Answering policies, simulated: play this long.")] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Draws the start in the trace, the same for all policies, where --trace-offset does not set it; "
            "in simulations durations too.",
        ),
    ] = None,
    loop: Annotated[int, typer.Option(min=1, help="Play the clip this often, alternately forward and backward.")] = 1,
    pin: Annotated[bool, typer.Option("--pin", help="Device and server on one CPU core each.")] = False,
    view: Annotated[bool, typer.Option("--view", help="Show the run in the Rerun viewer afterwards.")] = False,
    view_file: Annotated[
        Path | None, typer.Option(metavar="FILE.rrd", help="Save that view as a recording instead.")
    ] = None,
    no_video: Annotated[bool, typer.Option("--no-video", help="Make no annotated.mp4.")] = False,
    no_truth: Annotated[bool, typer.Option("--no-truth", help="Do not score the run.")] = False,
) -> None:
    """Play VIDEO as a live camera against a server process over an uplink that follows TRACE, or simulate that.

    Afterwards the run is scored against the model's own full-resolution results, and against exact truth where
    VIDEO.json lies beside a rendered clip, and drawn as a video.

    Answering policies (hyperion and its baselines) owe every frame an answer by a deadline. They are scored by AP50
    against exact truth, or the boxes of another detector (VIDEO.pseudo.json). Simulated, device and cloud take the
    milliseconds that are given; they are assumed, and stand in summary.json.
    """
    from foveate.cli.inputs import a_clip
    from foveate.cli.outputs import folder_for
    from foveate.core import InputError
    from foveate.evaluation import RunSettings, run_job
    from foveate.network import Outage
    from foveate.policies import check_known
    from foveate.policies.answering import answers_frames

    check_known(policy)
    folder_for(out)
    a_clip(video)
    if simulate and pin:
        raise InputError("--pin binds the processes of a live run to cores: a simulation (--simulate) has none")
    if view or view_file is not None:
        _check_viewer(view_file)
    answering = _given(
        device_model=device_model,
        deadline_ms=deadline_ms,
        late=late,
        pipelined=pipelined or None,
        look_scale=look_scale,
        look_ms=look_ms,
        cloud_ms=cloud_ms,
        seconds=seconds,
    )
    if answering and not answers_frames(policy):
        option = next(iter(answering)).replace("_", "-")
        raise InputError(f"--{option} is for answering policies, as hyperion; {policy} streams: leave it out")
    settings = RunSettings(
        video=video,
        trace=trace,
        policy=policy,
        out=out,
        model=model,
        simulate=simulate,
        profile=profile,
        seed=seed,
        trace_offset_s=_drawn_start(seed, video, trace) if trace_offset is None else trace_offset,
        trace_rtt_s=None if rtt_ms is None else rtt_ms / 1000,
        transport=transport,
        outages=tuple(Outage.parse(text) for text in outage or ()),
        pin=pin,
        view=view,
        view_file=view_file,
        with_video=not no_video,
        with_truth=not no_truth,
        loop=loop,
    )
    if not answers_frames(policy):
        run_job(settings)
        return
    from foveate.core import PairTimes
    from foveate.evaluation.answer_run import answer_job
    from foveate.evaluation.answer_settings import AnswerSettings, answer_rules

    answer_job(
        AnswerSettings.of(
            settings,
            device_model=device_model or model,
            rules=answer_rules(
                deadline_s=answering.get("deadline_ms", 400) / 1000, late=late or "device", pipelined=pipelined
            ),
            times=PairTimes(
                look_s=answering.get("look_ms", 150) / 1000,
                look_scale=answering.get("look_scale", 0.5),
                cloud_s=answering.get("cloud_ms", 60) / 1000,
            ),
            seconds=seconds,
        )
    )


def _drawn_start(seed: int | None, video: Path, trace: Path) -> float:
    """Where in the trace the run starts, seconds."""
    from foveate.evaluation.offsets import drawn_offset
    from foveate.network import UplinkTrace

    return 0.0 if seed is None else drawn_offset(seed, video, trace, UplinkTrace.load(trace).duration_s)


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _check_viewer(file: Path | None) -> None:
    """Before the run, which may last for minutes: whether it can be viewed afterwards."""
    from importlib.util import find_spec

    from foveate.cli.outputs import file_for
    from foveate.core import FoveateError

    if find_spec("rerun") is None:
        raise FoveateError("a view needs rerun-sdk: pip install 'foveate[view]'")
    if file is not None:
        file_for(file)
