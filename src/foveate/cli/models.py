"""`foveate models`: the detectors that this machine has, published ones that it can have, and those of others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foveate.cli import model_card

if TYPE_CHECKING:
    from rich.table import Table

    from foveate.models import BackboneConfig
    from foveate.models.download import Progress

EXAMPLE = "Example: foveate models"
CONVERT_EXAMPLE = "Example: foveate models convert model_final_61ccd1.pkl --out vitdet.safetensors"
FETCH_EXAMPLE = "Example: foveate models fetch vitdet-b-mask"

_COLUMNS = ("name", "size", "window", "threshold", "data", "terms", "in")
_FOLDED = ("data", "terms", "task")
_LONGEST_CELL = 28

app = typer.Typer(invoke_without_command=True, help="List, convert, fetch, measure and describe models.")
app.command(epilog=model_card.CARD_EXAMPLE)(model_card.card)
app.command(epilog=model_card.DESCRIBE_EXAMPLE)(model_card.describe)


@app.callback()
def models(context: typer.Context) -> None:
    """List the models found in the package and in $FOVEATE_HOME/weights, and published ones that can be fetched."""
    if context.invoked_subcommand is not None:
        return
    from foveate.cli.tables import table_console
    from foveate.core import InputError, foveate_home
    from foveate.models import known_checkpoints, known_models

    found = known_models()
    if not found:
        raise InputError(f"no models found in the package or in {foveate_home() / 'weights'}")
    console = table_console()
    console.print(_models_table(found))
    if folders := known_checkpoints():
        console.print(_folders_table(folders))
    console.print(_published_table(set(found)))
    typer.echo("All that is known of one: foveate models describe NAME. A published one: foveate models fetch NAME.")


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

    from foveate.cli.outputs import file_for
    from foveate.models import convert_detectron2, read_checkpoint, run_at_window, save_detector

    names = None if classes is None else _class_names(classes)
    file_for(out, reads=[checkpoint, classes])
    detector = convert_detectron2(
        read_checkpoint(checkpoint), class_names=names, score_threshold=score, sigmoid_scores=sigmoid
    )
    backbone = run_at_window(detector.config.backbone, window, window_table)
    card = {"data": "see its source", "terms": "see its source", "source": checkpoint.name}
    save_detector(detector.with_backbone(backbone), out, card=card, dtype=torch.float16 if half else torch.float32)
    heads = f"{len(detector.config.stages)} box head(s), {'with' if detector.config.with_masks else 'without'} masks"
    typer.echo(f"{len(detector.class_names)} classes, {heads}, window {backbone.window_size}: {out}")


def _class_names(path: Path) -> tuple[str, ...]:
    from foveate.core import MediaError

    try:
        return tuple(line.strip() for line in path.read_text("utf-8").splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise MediaError(f"{path} must hold the names of the classes, one a line: it cannot be read") from error


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
    """A progress bar on standard error, where somebody looks."""
    from rich import progress
    from rich.console import Console

    texts = (progress.TextColumn("{task.description}"), progress.BarColumn())
    numbers = (progress.DownloadColumn(), progress.TransferSpeedColumn())
    console = Console(stderr=True)
    with progress.Progress(*texts, *numbers, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(f"fetching {name}", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _models_table(found: dict[str, Path]) -> Table:
    """One line for each model."""
    table = _table(*_COLUMNS)
    for name, path in sorted(found.items()):
        table.add_row(*_row(name, path))
    return table


def _published_table(here: set[str]) -> Table:
    from foveate.models import published_models

    table = _table("published", "size", "box AP", "mask AP", "terms", "here")
    for name, model in published_models().items():
        size = f"{model.parameters / 1e6:.1f} M"
        have = "yes" if name in here else "no"
        table.add_row(name, size, f"{model.box_ap:.1f}", f"{model.mask_ap:.1f}", _short(model.terms), have)
    return table


def _table(*columns: str) -> Table:
    """Words are folded where the terminal is narrow; names, which one types, and figures never."""
    from rich import box
    from rich.table import Column, Table

    made = (Column(name, no_wrap=name not in _FOLDED) for name in columns)
    return Table(*made, box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))


def _folders_table(folders: dict[str, Path]) -> Table:
    """Published models in the layout of the Hugging Face hub (docs/models.md)."""
    table = _table("folder", "size", "model_type", "task", "in")
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
    from foveate.models import ConvDetectorConfig, read_card, read_config

    try:
        config, parameters, card = *read_config(path), read_card(path)
    except WeightsError as error:
        return name, "unusable", "", "", str(error), "", _place(path)
    return (
        name,
        f"{parameters / 1e6:.1f} M",
        "" if isinstance(config, ConvDetectorConfig) else _window(config.backbone),
        f"{config.score_threshold:.2f}",
        _short(str(card.get("data", "not stated"))),
        _short(str(card.get("terms", "not stated"))),
        _place(path),
    )


def _window(backbone: BackboneConfig) -> str:
    from foveate.models.run_window import trained_window

    trained, window = trained_window(backbone), backbone.window_size
    return str(window) if window == trained else f"{window} ({backbone.window_table} from {trained})"


def _short(fact: str) -> str:
    """A fact of a card as one cell: without marks of emphasis, and if it is long its first clause alone."""
    plain = re.sub(r"\*\*|`", "", fact)
    if len(plain) <= _LONGEST_CELL:
        return plain
    clause = re.split(r"[:;,(](?!\d)", plain, maxsplit=1)[0].strip()
    return clause if len(clause) <= _LONGEST_CELL else f"{clause[: _LONGEST_CELL - 1].rstrip()}…"


def _place(path: Path) -> str:
    from foveate.models import SHIPPED

    return "package" if path.parent == SHIPPED else "home"
