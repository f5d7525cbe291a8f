"""`foveate world`: rendered streets with exact truth."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from foveate.core import InputError

EXAMPLE = "Example: foveate world render walk-sunny --seconds 4 --out out/walk.mp4"

app = typer.Typer(no_args_is_help=True, help="Render streets with exact truth, without a screen.")

Scenario = Annotated[str, typer.Argument(help="Name of a scenario, such as walk-sunny; a wrong name lists them all.")]
Seed = Annotated[int, typer.Option(min=0, help="Same seed, same bytes.")]


@app.command(epilog=EXAMPLE)
def render(
    scenario: Scenario,
    out: Annotated[Path, typer.Option(metavar="FILE.mp4", help="The clip; its truth lies beside it as FILE.json.")],
    *,
    seconds: Annotated[float, typer.Option(help="Length of the clip.")] = 10.0,
    size: Annotated[str, typer.Option(metavar="HEIGHTxWIDTH", help="Pixels.")] = "720x1280",
    fps: Annotated[int, typer.Option(min=1, help="Frames per second.")] = 30,
    crf: Annotated[int, typer.Option(min=0, max=51, help="Constant rate factor of H.264: lower is better.")] = 18,
    seed: Seed = 0,
) -> None:
    """Render a clip with a moving camera, and its truth as COCO JSON."""
    from foveate.world import render_clip

    with _progress("rendering") as progress:
        truth = render_clip(
            scenario, seconds=seconds, size=read_size(size), seed=seed, fps=fps, out=out, crf=crf, progress=progress
        )
    typer.echo(f"{out}, truth in {truth}")


@app.command(epilog="Example: foveate world dataset walk-sunny --count 12 --out out/stills")
def dataset(
    scenario: Scenario,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for images/ and annotations.json.")],
    *,
    count: Annotated[int, typer.Option(min=1, help="Number of pictures; more of them later go on with the set.")],
    size: Annotated[
        list[str] | None,
        typer.Option(metavar="HEIGHTxWIDTH", help="Pixels; scenes take several in turn. [default: 720x1280]"),
    ] = None,
    per_scene: Annotated[int, typer.Option(min=1, help="Views of each street.")] = 6,
    quality: Annotated[int, typer.Option(min=1, max=100, help="JPEG quality.")] = 92,
    processes: Annotated[int, typer.Option(min=1, help="Streets that are rendered at once.")] = 2,
    seed: Seed = 0,
) -> None:
    """Render stills to train on, with COCO truth. A set that was interrupted goes on where it stopped."""
    from foveate.world import render_stills

    with _progress("rendering") as progress:
        truth = render_stills(
            scenario,
            count=count,
            size=[read_size(text) for text in size or ["720x1280"]],
            seed=seed,
            frames_per_scene=per_scene,
            out=out,
            quality=quality,
            progress=progress,
            processes=processes,
        )
    typer.echo(f"{count} pictures in {out / 'images'}, truth in {truth}")


def read_size(text: str) -> tuple[int, int]:
    """`720x1280` -> `(720, 1280)`: height and width in pixels. Raises `InputError`."""
    height, _, width = text.partition("x")
    if not (height.isascii() and height.isdigit() and width.isascii() and width.isdigit()):
        raise InputError(f"a size is HEIGHTxWIDTH in pixels, such as 720x1280, got {text!r}")
    return int(height), int(width)


@contextmanager
def _progress(task: str) -> Iterator[Callable[[int, int], None]]:
    """A bar where somebody looks; the value is called with the number done and the number wanted."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        number = progress.add_task(task, total=None)
        yield lambda done, total: progress.update(number, completed=done, total=total)
