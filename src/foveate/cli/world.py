"""`foveate world`: rendered streets with exact truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foveate.cli.outputs import file_for, folder_for
from foveate.cli.sizes import read_size
from foveate.core import InputError

if TYPE_CHECKING:
    from foveate.world.splits import Set

EXAMPLE = "Example: foveate world render walk-sunny --seconds 4 --out out/walk.mp4"

app = typer.Typer(no_args_is_help=True, help="Render streets with exact truth, without a screen.")

Scenario = Annotated[str, typer.Argument(help="Name of a scenario, such as walk-sunny; a wrong name lists them all.")]
Seed = Annotated[int, typer.Option(min=0, help="Same seed, same bytes.")]
Processes = Annotated[int, typer.Option(min=1, help="How many render at once.")]
Unseen = Annotated[
    bool, typer.Option("--unseen/--no-unseen", help="Objects and textures that no training picture shows.")
]


@app.command(epilog=EXAMPLE)
def render(
    scenario: Scenario,
    out: Annotated[Path, typer.Option(metavar="FILE.mp4", help="The clip; its truth lies beside it as FILE.json.")],
    *,
    seconds: Annotated[float, typer.Option(help="Length of the clip.")] = 10.0,
    size: Annotated[
        str | None,
        typer.Option(metavar="HEIGHTxWIDTH", help="Pixels. [default: 1080x1920, for plaza-crowd 2160x3840]"),
    ] = None,
    fps: Annotated[int, typer.Option(min=1, help="Frames per second.")] = 30,
    crf: Annotated[int, typer.Option(min=0, max=51, help="Constant rate factor of H.264: lower is better.")] = 18,
    processes: Processes = 2,
    unseen: Unseen = False,
    seed: Seed = 0,
) -> None:
    """Render a clip with a moving camera, and its truth as COCO JSON.

    A run that was interrupted goes on where it stopped when the same command is given again.
    """
    from foveate.world import render_clip

    _check_scenarios([scenario])
    _check_file(out, ".mp4")
    with _resumable(), _progress("rendering") as progress:
        truth = render_clip(
            scenario,
            seconds=seconds,
            size=None if size is None else read_size(size),
            seed=seed,
            fps=fps,
            out=out,
            crf=crf,
            progress=progress,
            processes=processes,
            unseen=unseen,
        )
    typer.echo(f"{out}, truth in {truth}")


@app.command(epilog="Example: foveate world stills walk-sunny cycle-sunny --count 12 --out out/stills")
def stills(
    scenarios: Annotated[list[str], typer.Argument(help="Names of scenarios, which streets take in turn.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for images/ and annotations.json.")],
    *,
    count: Annotated[int, typer.Option(min=1, help="Number of pictures; more of them later go on with the set.")],
    size: Annotated[
        list[str] | None,
        typer.Option(metavar="HEIGHTxWIDTH", help="Pixels; scenes take several in turn. [default: 720x1280]"),
    ] = None,
    per_scene: Annotated[int, typer.Option(min=1, help="Views of each street.")] = 6,
    quality: Annotated[int, typer.Option(min=1, max=100, help="JPEG quality.")] = 92,
    processes: Processes = 2,
    unseen: Unseen = False,
    seed: Seed = 0,
) -> None:
    """Render stills of your own choice, with COCO truth. A set that was interrupted goes on where it stopped."""
    from foveate.world import render_stills

    _check_scenarios(scenarios)
    folder_for(out)
    with _resumable(), _progress("rendering") as progress:
        truth = render_stills(
            scenarios,
            count=count,
            size=[read_size(text) for text in size or ["720x1280"]],
            seed=seed,
            frames_per_scene=per_scene,
            out=out,
            quality=quality,
            progress=progress,
            processes=processes,
            unseen=unseen,
        )
    typer.echo(f"{count} pictures in {out / 'images'}, truth in {truth}")


@app.command(epilog="Example: foveate world dataset walk-sunny-eval --seconds 2")
def dataset(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Standard sets; see --list.")] = None,
    *,
    listed: Annotated[bool, typer.Option("--list", help="Show the standard sets, their length and cost.")] = False,
    count: Annotated[int | None, typer.Option(min=1, help="Number of stills instead of the standard one.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Seconds of clips instead of the standard ones.")] = None,
    processes: Processes = 2,
) -> None:
    """Render standard sets under $FOVEATE_HOME/world. What is interrupted goes on where it stopped."""
    from foveate.world.sets import render_set
    from foveate.world.splits import SETS, StillsSet, standard_set

    if unknown := [name for name in names or () if name not in SETS]:
        raise InputError(f"unknown set {unknown[0]!r}; known: {', '.join(SETS)}")
    entries = [] if listed else [standard_set(name) for name in names or ()]
    _refuse_lengths_that_none_takes(entries, count=count, seconds=seconds)
    if not entries:
        _list_sets()
        return
    for entry in entries:
        with _resumable(), _progress(entry.name) as progress:
            length = count if isinstance(entry, StillsSet) else seconds
            truth = render_set(entry.name, length=length, processes=processes, progress=progress)
        typer.echo(f"{entry.name}: truth in {truth}")


def _refuse_lengths_that_none_takes(entries: Sequence[Set], *, count: int | None, seconds: float | None) -> None:
    """Raises `InputError` where a length is given that none of the sets has."""
    from foveate.world.splits import ClipSet, StillsSet

    given = (("--count", count, StillsSet, "stills"), ("--seconds", seconds, ClipSet, "clips"))
    for option, length, kind, what in given:
        if length is None or any(isinstance(entry, kind) for entry in entries):
            continue
        names = ", ".join(entry.name for entry in entries)
        raise InputError(f"{option} is the length of sets of {what}, and {names or 'the list'} has none")


def _list_sets() -> None:
    from rich.table import Table

    from foveate.cli.tables import table_console
    from foveate.world.sets import core_minutes, place
    from foveate.world.splits import SETS, ClipSet

    table = Table(box=None, padding=(0, 1, 0, 0))
    for head in ("set", "purpose", "scenarios", "length", "unseen", "core\nminutes", "there"):
        table.add_column(head, no_wrap=head != "scenarios")
    for entry in SETS.values():
        clip = isinstance(entry, ClipSet)
        there = place(entry) if clip else place(entry) / "annotations.json"
        table.add_row(
            entry.name,
            entry.purpose,
            entry.scenario if isinstance(entry, ClipSet) else ", ".join(dict.fromkeys(entry.scenarios)),
            f"{entry.seconds:g} s" if isinstance(entry, ClipSet) else f"{entry.count} stills",
            "yes" if entry.unseen else "no",
            f"{core_minutes(entry):.0f}",
            "yes" if there.exists() else "no",
        )
    table_console().print(table)


@contextmanager
def _resumable() -> Iterator[None]:
    """Turns Ctrl-C into one line that says how to go on."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        typer.echo("interrupted: the same command goes on where it stopped", err=True)
        raise typer.Exit(130) from interrupt


@app.command(epilog="Example: foveate world sheet --out out/world.jpg")
def sheet(
    out: Annotated[Path, typer.Option(metavar="FILE.jpg", help="The picture.")],
    *,
    scenarios: Annotated[list[str] | None, typer.Argument(help="Names of scenarios. [default: all]")] = None,
    time: Annotated[float, typer.Option(min=0, help="Seconds from the start of the clips.")] = 4.0,
) -> None:
    """Draw a contact sheet: one frame of each scenario with its truth."""
    from foveate.world.sheet import contact_sheet

    _check_scenarios(scenarios or [])
    _check_file(out, ".jpg")
    typer.echo(contact_sheet(out, scenarios=scenarios or (), time=time))


def _check_scenarios(names: list[str]) -> None:
    from foveate.world.scenarios import SCENARIOS

    if unknown := [name for name in names if name not in SCENARIOS]:
        raise InputError(f"unknown scenario {unknown[0]!r}; known: {', '.join(sorted(SCENARIOS))}")


def _check_file(out: Path, suffix: str) -> None:
    if out.suffix != suffix:
        raise InputError(f"--out is a {suffix} file, got {str(out)!r}")
    file_for(out)


@contextmanager
def _progress(task: str) -> Iterator[Callable[[int, int], None]]:
    """A bar where somebody looks; the value is called with the number done and the number wanted."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # A frame may take seconds: the time left is judged by the frames of the last ten minutes.
    bar = Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal, speed_estimate_period=600
    )
    with bar as progress:
        number = progress.add_task(task, total=None)
        yield lambda done, total: progress.update(number, completed=done, total=total)
