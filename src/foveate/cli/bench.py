"""`foveate bench`: figures of models and of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from foveate.evaluation.labelled import Labelled

EXAMPLE = (
    "Example: foveate bench accuracy --annotations src/foveate/samples/street.json "
    "--images src/foveate/samples/street.mp4 --every 25 --out out/accuracy.json"
)

app = typer.Typer(no_args_is_help=True, help="Measure models.")


@app.callback()
def _group() -> None:
    """Keep `accuracy` a command of its own while it is the only one."""


@app.command(epilog=EXAMPLE)
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

    from foveate.evaluation.accuracy import AccuracySettings, measure_accuracy
    from foveate.evaluation.labelled import open_labelled
    from foveate.evaluation.progress import Steps
    from foveate.evaluation.slices import REFERENCE
    from foveate.models import load_detector

    settings = AccuracySettings(slicing=REFERENCE if slices else None, long_side=long_side)
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
    from rich.console import Console
    from rich.table import Table

    table = Table("class", "objects", "AP", "AP50")
    for name, entry in report["classes"].items():
        table.add_row(name, str(entry["n"]), f"{entry['ap']:.3f}", f"{entry['ap50']:.3f}")
    table.add_row("mean", "", f"{report['ap']:.3f}", f"{report['ap50']:.3f}")
    for name, entry in report["sizes"].items():
        table.add_row(name, str(entry["n"]), f"{entry['ap']:.3f}", f"{entry['ap50']:.3f}")
    Console().print(table)
    if report["missing_classes"]:
        typer.echo(f"no objects of: {', '.join(report['missing_classes'])}")
    if report["unknown_classes"]:
        typer.echo(f"the model does not know: {', '.join(report['unknown_classes'])}")
    if labelled.missing_images:
        typer.echo(f"{labelled.missing_images} annotated pictures are not there")
    typer.echo(f"{report['model']} on {report['images']} pictures: {out}")
