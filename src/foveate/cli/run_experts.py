"""`foveate run-experts`: a stream of pictures, a generalist here, experts there."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = (
    "Example: foveate run-experts ~/.cache/foveate/training/experts_tiny_imagenet/seed-0 "
    "--data ../shared/data/tiny-imagenet-100 --trace src/foveate/samples/uplink.csv --simulate --out out/experts"
)


def run_experts(
    models: Annotated[Path, typer.Argument(help="Folder of a training by `foveate train experts`, for one seed.")],
    *,
    data: Annotated[Path, typer.Option(help="Folder of Tiny-ImageNet-100, or CIFAR-100 as published.")],
    trace: Annotated[Path, typer.Option(help="Uplink trace: a CSV (t_s,uplink_mbps,rtt_ms) or a mahimahi .up file.")],
    out: Annotated[Path, typer.Option(help="Folder for summary.json and samples.csv.")],
    router: Annotated[
        str, typer.Option(help="NAME[:parameter=value,...]; a wrong name lists them all.")
    ] = "ask-expert",
    kind: Annotated[str, typer.Option(help="Kind of experts, or the name of one model, such as base.")] = "progressive",
    rate: Annotated[float, typer.Option(help="Samples a second.")] = 10.0,
    samples: Annotated[int, typer.Option(min=1, help="How many, drawn by --seed.")] = 1000,
    coding: Annotated[str, typer.Option(help="jpeg:QUALITY or png, at the pictures' own size.")] = "jpeg:90",
    part: Annotated[str, typer.Option(help="held-out, or test: the pictures of final tables.")] = "held-out",
    simulate: Annotated[bool, typer.Option("--simulate", help="On virtual time, with --times.")] = False,
    times: Annotated[
        str, typer.Option(help="Durations: a name, or a file by `foveate profile experts`.")
    ] = "zen4-core",
    slower_device: Annotated[
        float | None, typer.Option(help="Simulate a device at so many times the server's time for an expert.")
    ] = None,
    power: Annotated[str, typer.Option(help="Name of a power model.")] = "edge-t4",
    trace_offset: Annotated[float, typer.Option(help="Start in the trace, seconds.")] = 0.0,
    transport: Annotated[str, typer.Option(help="ideal or tcp, as for `foveate run`.")] = "ideal",
    seed: Annotated[int, typer.Option(min=0, help="Draws the samples, and experts for routers that draw.")] = 0,
    ray: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Run the experts on this Ray cluster, one deployment each; live only."),
    ] = None,
    pin: Annotated[bool, typer.Option("--pin", help="Device, and gateway with experts, on one CPU core each.")] = False,
    change: Annotated[
        list[str] | None,
        typer.Option(metavar="SECONDS:KIND:NAME", help="add, remove or die: what happens to an expert. Repeatable."),
    ] = None,
) -> None:
    """Play pictures at a steady rate: the generalist answers what it is sure of, an expert near it the rest.

    Threshold, top-k, temperatures and how both answers are weighed are chosen on held-out pictures first. An expert
    that goes or dies is answered for by the generalist, and the sample's row says so.
    """
    from foveate.cli.outputs import folder_for
    from foveate.evaluation.experts.run import ExpertsSettings, experts_job
    from foveate.evaluation.experts.stream import Change

    experts_job(
        ExpertsSettings(
            models=models,
            data=data,
            trace=trace,
            router=router,
            out=folder_for(out),
            kind=kind,
            coding=coding,
            rate_hz=rate,
            samples=samples,
            part=part,
            simulate=simulate,
            times=times,
            slower_device=slower_device,
            power=power,
            trace_offset_s=trace_offset,
            transport=transport,
            seed=seed,
            changes=tuple(Change.parse(text) for text in change or ()),
            ray=ray,
            pin=pin,
        )
    )
