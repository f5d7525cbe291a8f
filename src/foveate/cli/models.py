"""`foveate models`: the detectors that this machine has, published ones that it can have, and those of others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foveate.cli import model_card

if TYPE_CHECKING:
    from rich.table import Table

    from foveate.models.download import Progress

EXAMPLE = "Example: foveate models"
CONVERT_EXAMPLE = "Example: foveate models convert model_final_61ccd1.pkl --out vitdet.safetensors"
FETCH_EXAMPLE = "Example: foveate models fetch vitdet-b-mask"

_COLUMNS = ("name", "size", "window", "threshold", "data", "terms", "found in")

app = typer.Typer(invoke_without_command=True, help="List, convert, fetch, measure and describe models.")
app.command(epilog=model_card.CARD_EXAMPLE)(model_card.card)
app.command(epilog=model_card.DESCRIBE_EXAMPLE)(model_card.describe)


@app.callback()
def models(context: typer.Context) -> None:
    """List the models found in the package and in $FOVEATE_HOME/weights, and published ones that can be fetched."""
    if context.invoked_subcommand is not None:
        return
    from rich.console import Console
    from rich.table import Column, Table

    from foveate.core import InputError, foveate_home
    from foveate.models import known_checkpoints, known_models

    found = known_models()
    if not found:
        raise InputError(f"no models found in the package or in {foveate_home() / 'weights'}")
    table = Table(Column(_COLUMNS[0], no_wrap=True), *_COLUMNS[1:])
    for name, path in sorted(found.items()):
        table.add_row(*_row(name, path))
    Console().print(table)
    if folders := known_checkpoints():
        Console().print(_folders_table(folders))
    Console().print(_published_table(set(found)))


@app.command(epilog=CONVERT_EXAMPLE)
def convert(
    checkpoint: Annotated[Path, typer.Argument(metavar="FILE", help="Checkpoint of a ViTDet by detectron2.")],
    *,
    out: Annotated[Path, typer.Option(help="Weights file to write, FILE.safetensors.")],
    classes: Annotated[
        Path | None, typer.Option(help="Names of the classes, one a line. Default: those of COCO, for 80 classes.")
    ] = None,
    score: Annotated[float, typer.Option(min=0, max=1, help="Least score of what is shown.")] = 0.5,
    window: Annotated[
        int | None, typer.Option(min=1, help="Run at this attention window instead of its own; see --window-table.")
    ] = None,
    window_table: Annotated[
        str | None, typer.Option(help="cut or interpolate: how relative tables serve the other window.")
    ] = None,
    sigmoid: Annotated[
        bool,
        typer.Option("--sigmoid", help="Score each class by itself (use_sigmoid_ce, as for LVIS)."),
    ] = False,
    half: Annotated[bool, typer.Option("--half", help="Store half precision, half as large.")] = False,
) -> None:
    """Make a ViTDet with Faster, Mask or Cascade R-CNN heads, as detectron2 saves it, a model of foveate.

    A pickle (.pkl) is read without running what it contains: one that holds anything but arrays is refused.
    """
    import torch

    from foveate.models import convert_detectron2, read_checkpoint, run_at_window, save_detector

    names = (
        None if classes is None else tuple(line.strip() for line in classes.read_text().splitlines() if line.strip())
    )
    detector = convert_detectron2(
        read_checkpoint(checkpoint), class_names=names, score_threshold=score, sigmoid_scores=sigmoid
    )
    backbone = run_at_window(detector.config.backbone, window, window_table)
    card = {"data": "see its source", "terms": "see its source", "source": checkpoint.name}
    save_detector(detector.with_backbone(backbone), out, card=card, dtype=torch.float16 if half else torch.float32)
    heads = f"{len(detector.config.stages)} box head(s), {'with' if detector.config.with_masks else 'without'} masks"
    typer.echo(f"{len(detector.class_names)} classes, {heads}, window {backbone.window_size}: {out}")


@app.command(epilog=FETCH_EXAMPLE)
def fetch(
    name: Annotated[str, typer.Argument(help="A published model; `foveate models` lists them.")],
    *,
    score: Annotated[float, typer.Option(min=0, max=1, help="Least score of what is shown.")] = 0.5,
) -> None:
    """Fetch the published weights of a model and convert them; a fetch that broke off goes on where it ended."""
    from foveate.models import fetch_published

    with _bar(name) as progress:
        fetched = fetch_published(name, progress=progress, score_threshold=score)
    agrees = "agrees" if fetched.md5.startswith(fetched.name_says) else "does not agree"
    typer.echo(f"checkpoint: SHA-256 {fetched.sha256}; MD5 {fetched.md5} {agrees} with its name")
    typer.echo(f"{name}: {fetched.path}")


@contextmanager
def _bar(name: str) -> Iterator[Progress]:
    """A progress bar on standard error."""
    from rich import progress
    from rich.console import Console

    texts = (progress.TextColumn("{task.description}"), progress.BarColumn())
    numbers = (progress.DownloadColumn(), progress.TransferSpeedColumn())
    with progress.Progress(*texts, *numbers, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"fetching {name}", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _published_table(here: set[str]) -> Table:
    from rich.table import Column, Table

    from foveate.models import published_models

    table = Table(Column("published", no_wrap=True), "size", "box AP", "mask AP", "terms", "on this machine")
    for name, model in published_models().items():
        size = f"{model.parameters / 1e6:.1f} M"
        have = "yes" if name in here else f"no: foveate models fetch {name}"
        table.add_row(name, size, f"{model.box_ap:.1f}", f"{model.mask_ap:.1f}", model.terms, have)
    return table


def _folders_table(folders: dict[str, Path]) -> Table:
    """Published models in the layout of the Hugging Face hub (docs/models.md)."""
    from rich.table import Column, Table

    table = Table(Column("folder", no_wrap=True), "size", "model_type", "task", "found in")
    for name, folder in sorted(folders.items()):
        size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
        table.add_row(name, f"{size / 1e6:.1f} MB", *_kind_and_task(folder), "home")
    return table


def _kind_and_task(folder: Path) -> tuple[str, str]:
    from foveate.core import WeightsError
    from foveate.models.families import FAMILIES
    from foveate.models.families.checkpoint import read_config

    try:
        kind = str(read_config(folder)["model_type"])
    except WeightsError as error:
        return "unusable", str(error)
    return kind, FAMILIES[kind].task if kind in FAMILIES else "not known to foveate"


def _row(name: str, path: Path) -> tuple[str, ...]:
    """The cells of one model; a file that cannot be used says why in place of its figures."""
    from foveate.core import WeightsError
    from foveate.models import read_card, read_config
    from foveate.models.run_window import trained_window

    try:
        config, parameters, card = *read_config(path), read_card(path)
    except WeightsError as error:
        return name, "unusable", "", "", str(error), "", _place(path)
    trained, window = trained_window(config.backbone), config.backbone.window_size
    return (
        name,
        f"{parameters / 1e6:.1f} M",
        str(window) if window == trained else f"{window} ({config.backbone.window_table} from {trained})",
        f"{config.score_threshold:.2f}",
        str(card.get("data", "not stated")),
        str(card.get("terms", "not stated")),
        _place(path),
    )


def _place(path: Path) -> str:
    from foveate.models import SHIPPED

    return "package" if path.parent == SHIPPED else "home"
