"""`foveate bench`: figures of models and of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from foveate.evaluation.labelled import Labelled
    from foveate.profiling.way import Way

EXAMPLE = "Example: foveate bench --rounds 5 --out out/bench.json"
ACCURACY_EXAMPLE = (
    "Example: foveate bench accuracy --annotations src/foveate/samples/street.json "
    "--images src/foveate/samples/street.mp4 --every 25 --out out/accuracy.json"
)

app = typer.Typer(invoke_without_command=True, help="Time the whole way of a frame on this machine, or measure models.")


@app.callback()
def bench(
    context: typer.Context,
    *,
    video: Annotated[Path | None, typer.Option(help="Clip whose frames are used; default: the sample.")] = None,
    model: Annotated[str, typer.Option(help="Name (see `foveate models`) or weights file.")] = "vitdet-tiny-world",
    profile: Annotated[
        str, typer.Option(help="Profile whose estimators the decision uses; no figure depends on its times.")
    ] = "cpu-2core-vitdet-tiny",
    size: Annotated[
        str, typer.Option(metavar="HEIGHTxWIDTH|clip", help="Frames are brought to this size; `clip`: as they are.")
    ] = "1080x1920",
    rounds: Annotated[int, typer.Option(min=2, help="Measurements of each stage; the table shows medians.")] = 9,
    objects: Annotated[int, typer.Option(min=1, help="Objects that are tracked.")] = 30,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the table as JSON as well.")] = None,
) -> None:
    """Time every stage from the camera to the boxes, beside what this machine could do at most."""
    if context.invoked_subcommand is not None:
        _refuse_options(context, context.invoked_subcommand)
        return
    import json
    from dataclasses import asdict

    from rich.console import Console

    from foveate.cli.inputs import a_clip
    from foveate.cli.outputs import file_for
    from foveate.cli.sizes import read_size
    from foveate.core import InputError
    from foveate.estimators import load_profile
    from foveate.evaluation.progress import Steps
    from foveate.experiments.inputs import SAMPLES
    from foveate.models import Detector, load_detector
    from foveate.profiling.way import WaySettings, measure_way

    settings = WaySettings(size=None if size == "clip" else read_size(size), rounds=rounds, objects=objects)
    clip = a_clip(video or SAMPLES / "street.mp4")
    if out is not None:
        file_for(out, reads=[clip, model, profile])
    known, detector = load_profile(profile), load_detector(model)
    if not isinstance(detector, Detector):
        raise InputError(f"stages are known of models with foveate's own head, got {detector.name}")
    with Steps(Console(stderr=True)) as steps:
        way = measure_way(clip, detector, known, settings, progress=steps.begin_open("rounds"))
    _print_way(way)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(asdict(way), indent=1) + "\n", encoding="utf-8")


def _refuse_options(context: typer.Context, subcommand: str) -> None:
    """Raises `InputError` where one stands before a subcommand, which would never hear of it."""
    from foveate.core import InputError

    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is not None and source.name == "COMMANDLINE":
            given = parameter.opts[0]
            raise InputError(
                f"{given} before {subcommand} is for `foveate bench` alone: its own options stand behind it"
            )


def _print_way(way: Way) -> None:
    """What was measured: stages before the model, stages inside it, and the rates that bound them."""
    from foveate.cli.tables import table_console

    height, width = way.frame_size
    typer.echo(way.machine)
    typer.echo(f"{way.model}, {height} x {width}, {way.objects} objects, medians of {way.rounds} rounds, milliseconds")
    console = table_console()
    console.print(_stages_table(way))
    console.print(_model_table(way))
    for name, rate in way.rates.items():
        typer.echo(f"{name}: {rate / 1e9:.1f} G")
    typer.echo(f"most memory held: {way.peak_bytes / 2**20:.0f} MiB")


def _stages_table(way: Way) -> Table:
    """Stages outside the model; where bare work bounds one, how much longer it takes."""
    from rich.table import Table

    table = Table("end", "stage", "case", "ms", "10-90 %", "bare ms", "ratio")
    for row in way.rows:
        if row.ceiling_ms is not None and row.stage != "backbone":
            bare = (f"{row.ceiling_ms:.2f}", f"{row.ms / row.ceiling_ms:.2f}")
        elif row.stage in way.model_stages:
            continue
        else:
            bare = ("", "")
        table.add_row(row.end, row.stage, row.case, f"{row.ms:.2f}", f"{row.low_ms:.2f}-{row.high_ms:.2f}", *bare)
    return table


def _model_table(way: Way) -> Table:
    """Stages of one inference for each case; the backbone beside its two-term ceiling and bare products."""
    from rich.table import Table

    table = Table("inference", *way.model_stages, "sum", "ceiling", "reached", "of products")
    cases = dict.fromkeys(row.case for row in way.rows if row.stage in way.model_stages)
    for case in cases:
        rows = [row for row in way.rows if row.case == case and row.stage in way.model_stages]
        bound = next(row for row in rows if row.ceiling_ms is not None)
        times = [row.ms for row in rows]
        shares = [f"{ms / bound.ms:.0%}" if ms else "" for ms in (bound.ceiling_ms, bound.products_ms)]
        table.add_row(case, *(f"{ms:.1f}" for ms in (*times, sum(times))), f"{bound.ceiling_ms:.1f}", *shares)
    return table


@app.command(epilog=ACCURACY_EXAMPLE)
def accuracy(
    *,
    annotations: Annotated[Path, typer.Option(help="COCO file of the true objects.")],
    images: Annotated[Path, typer.Option(help="Folder of its pictures, or the clip whose frames it describes.")],
    out: Annotated[Path, typer.Option(help="JSON file for the figures.")],
    model: Annotated[str, typer.Option(help="Name (see `foveate models`) or weights file.")] = "vitdet-tiny-world",
    every: Annotated[int, typer.Option(min=1, help="Look at every n-th picture or frame only.")] = 1,
    slices: Annotated[
        bool, typer.Option("--slices", help="Cut frames into slices of 1024 pixels that overlap by a quarter.")
    ] = False,
    long_side: Annotated[
        int | None, typer.Option(min=32, help="Enlarge pictures whose longer side is smaller, pixels.")
    ] = None,
) -> None:
    """Average precision of a model on any COCO-format set, by class and by size; F1 at the model's threshold."""
    import json

    from rich.console import Console

    from foveate.cli.outputs import file_for
    from foveate.evaluation.accuracy import AccuracySettings, measure_accuracy
    from foveate.evaluation.labelled import open_labelled
    from foveate.evaluation.progress import Steps
    from foveate.evaluation.slices import REFERENCE
    from foveate.models import load_detector

    settings = AccuracySettings(slicing=REFERENCE if slices else None, long_side=long_side)
    file_for(out, reads=[annotations, images, model])
    labelled = open_labelled(annotations, images, every=every)
    detector = load_detector(model)
    with Steps(Console(stderr=True)) as steps:
        report = measure_accuracy(detector, labelled, settings, steps.begin("detecting", len(labelled.images)))
    report |= {"annotations": str(annotations), "every": every}
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=1) + "\n")
    _print(report, labelled, out)


def _print(report: dict[str, Any], labelled: Labelled, out: Path) -> None:
    """A table, and what is not in it."""
    from rich.table import Table

    from foveate.cli.tables import table_console

    table = Table("class", "objects", "AP", "AP50")
    for name, entry in report["classes"].items():
        table.add_row(name, str(entry["n"]), f"{entry['ap']:.3f}", f"{entry['ap50']:.3f}")
    table.add_row("mean", "", f"{report['ap']:.3f}", f"{report['ap50']:.3f}")
    for name, entry in report["sizes"].items():
        table.add_row(name, str(entry["n"]), f"{entry['ap']:.3f}", f"{entry['ap50']:.3f}")
    table_console().print(table)
    if report["missing_classes"]:
        typer.echo(f"no objects of: {', '.join(report['missing_classes'])}")
    if report["unknown_classes"]:
        typer.echo(f"the model does not know: {', '.join(report['unknown_classes'])}")
    if labelled.missing_images:
        typer.echo(f"{labelled.missing_images} annotated pictures are not there")
    typer.echo(f"{report['model']} on {report['images']} pictures: {out}")
