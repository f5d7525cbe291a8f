"""`foveate models card` and `models describe`: what a model can do, measured on this machine and written down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from foveate.evaluation.cards import CardJob

CARD_EXAMPLE = "Example: foveate models card vitdet-tiny-world --only latency --out out/card.md"
DESCRIBE_EXAMPLE = (
    "Example: foveate models describe my-detector --fact data='rendered frames only' --fact terms=Apache-2.0"
)

Facts = Annotated[
    list[str] | None,
    typer.Option("--fact", metavar="NAME=TEXT", help="data, terms, recipe, command, cost, weaknesses. Repeatable."),
]


def card(
    model: Annotated[str, typer.Argument(help="Name (see `foveate models`) or weights file.")],
    *,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.md", help="The page. [default: $FOVEATE_HOME/cards/NAME.md]")
    ] = None,
    data: Annotated[Path, typer.Option(help="Folder with detection/val.json.")] = Path("../shared/data"),
    earlier: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Weights whose accuracy is shown beside: before the last training."),
    ] = None,
    plain: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL", help="Weights trained without mixed resolution: the restoration table before it."
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GROUP",
            help="Measure these alone, and show what is kept of others: "
            "latency, clips, real, crowd, stills, restoration.",
        ),
    ] = None,
    again: Annotated[
        list[str] | None, typer.Option(metavar="GROUP", help="Measure these again, as latency on a quiet machine.")
    ] = None,
    curves: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Picture by `foveate train curves`. Repeatable.")
    ] = None,
    fact: Facts = None,
    frames: Annotated[int, typer.Option(min=1, help="Frames of each clip that are looked at.")] = 12,
    crowd_frames: Annotated[int, typer.Option(min=1, help="Frames of the clip at 4K that are looked at.")] = 4,
    stills: Annotated[int, typer.Option(min=1, help="Stills of each scenario that are looked at.")] = 20,
    restored: Annotated[int, typer.Option(min=1, help="Stills of each scenario at mixed resolution.")] = 2,
    minutes: Annotated[float | None, typer.Option(min=0, help="Begin no further part after so long.")] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Show what would be measured, and no more.")] = False,
) -> None:
    """Measure what a model's card shows, and write the card: accuracy, latency, and what mixed resolution does.

    Every part is kept under $FOVEATE_HOME/cards, as is the card as JSON: an interrupted card goes on where it stopped,
    and nothing is measured twice. Rendered and real pictures stand apart.
    """
    import os
    import time

    from rich.console import Console

    from foveate.cli.outputs import file_for
    from foveate.core import foveate_home
    from foveate.evaluation.cards import CardJob, Outcome, Store, find_parts, find_sets, make_card, parts_for
    from foveate.evaluation.cards.card import ACCURACY
    from foveate.evaluation.cards.page import card_page
    from foveate.evaluation.progress import Steps
    from foveate.experiments.inputs import SAMPLES
    from foveate.models import find_weights

    facts = _facts(fact)
    sets = find_sets(data, frames=frames, crowd_frames=crowd_frames, stills=stills)
    measured = _known(only) or ()
    parts = find_parts(sets, SAMPLES / "street.mp4", per_scenario=restored)
    store = Store.at_home()

    def job(name: str | None, groups: tuple[str, ...]) -> CardJob | None:
        if name is None:
            return None
        path = find_weights(name)
        chosen = [part for part in parts_for(path, parts) if part.group in groups]
        return CardJob(path=path, parts=chosen, store=store, only=measured)

    weights = find_weights(model)
    own = CardJob(path=weights, parts=parts_for(weights, parts), store=store, only=measured)
    folder = foveate_home() / "cards"
    page = file_for(out or folder / f"{own.path.stem}.md", reads=[own.path, earlier, plain, *(curves or ())])
    outcome = Outcome(own=own, earlier=job(earlier, ACCURACY), plain=job(plain, ("restoration",)))
    jobs = [one for one in (outcome.own, outcome.plain, outcome.earlier) if one]
    forgotten = _known(again) or ()
    if plan:
        _print_plan(jobs)
        return
    outcome.own.forget(forgotten)
    until = None if minutes is None else time.monotonic() + 60 * minutes
    with Steps(Console(stderr=True)) as steps:
        for one in jobs:
            one.measure(steps.begin, typer.echo, until=until)
    made = make_card(outcome, facts, sets.absent)
    for place in (folder, page.parent):
        place.mkdir(parents=True, exist_ok=True)
    (folder / f"{own.path.stem}.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    pictures = [Path(os.path.relpath(path, page.parent)).as_posix() for path in curves or ()]
    page.write_text(card_page(made, curves=pictures), encoding="utf-8")
    typer.echo(str(page))


def describe(
    model: Annotated[str, typer.Argument(help="Name (see `foveate models`) or weights file.")],
    *,
    fact: Facts = None,
    score: Annotated[float | None, typer.Option(min=0, max=1, help="New least score of what is shown.")] = None,
) -> None:
    """Show all that a weights file says of itself; with --fact, write facts into it, such as its data and their terms.

    `foveate models` and cards show what was written.
    """
    from foveate.models import describe_weights, find_weights

    facts, path = _facts(fact), find_weights(model)
    if not facts and score is None:
        _print_description(path)
        return
    described = describe_weights(path, facts, score_threshold=score)
    typer.echo(f"{path}: {', '.join(sorted(described))}")


def _print_description(path: Path) -> None:
    """Shape and facts of a weights file, one a line, in whole."""
    from rich.markup import escape
    from rich.table import Table

    from foveate.cli.tables import table_console
    from foveate.models import ConvDetectorConfig, read_card, read_config

    config, parameters = read_config(path)
    shape = {
        "file": f"{path}, {path.stat().st_size / 2**20:.1f} MiB",
        "classes": ", ".join(config.class_names),
        "size": f"{parameters / 1e6:.1f} million parameters",
        **({} if isinstance(config, ConvDetectorConfig) else {"window": f"{config.backbone.window_size} patches"}),
        "score threshold": f"{config.score_threshold:g}",
    }
    card = {name.replace("_", " "): value for name, value in read_card(path).items() if value not in ({}, [], None)}
    table = Table.grid("", "", padding=(0, 2, 0, 0))
    for name, value in {**shape, **card}.items():
        table.add_row(escape(name), escape(value if isinstance(value, str) else json.dumps(value)))
    table_console().print(table)


def _facts(texts: list[str] | None) -> dict[str, str]:
    from foveate.core import InputError

    pairs = [text.partition("=") for text in texts or ()]
    if wrong := [name for name, equals, value in pairs if not (name and equals and value)]:
        raise InputError(f"a fact is NAME=TEXT, got {wrong[0]!r}")
    return {name: value for name, _, value in pairs}


def _known(groups: list[str] | None) -> list[str] | None:
    from foveate.core import InputError
    from foveate.evaluation.cards import GROUPS

    if unknown := [group for group in groups or () if group not in GROUPS]:
        raise InputError(f"a card has the groups {', '.join(GROUPS)}, got {unknown[0]!r}")
    return groups


def _print_plan(jobs: list[CardJob]) -> None:
    """What is kept and what would be measured; work in inferences of 720 x 1280 pixels."""
    from rich.table import Table

    from foveate.cli.tables import table_console

    for job in jobs:
        missing = {(part.group, part.name) for part in job.missing()}
        table = Table("group", "part", "pictures", "inferences", "kept", title=str(job.path), box=None)
        for part in job.wanted:
            kept = "" if (part.group, part.name) in missing else "yes"
            table.add_row(part.group, part.name, str(part.steps), f"{part.work:.0f}", kept)
        left = sum(part.work for part in job.wanted if (part.group, part.name) in missing)
        table_console().print(table)
        typer.echo(f"{left:.0f} inferences of 720 x 1280 pixels are left")
