"""`foveate compare`: policies on the same videos, networks and machines."""

from __future__ import annotations

import math
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from foveate.evaluation.experts.plan import ExpertsPlan
    from foveate.evaluation.lab import Plan
    from foveate.evaluation.lab.answering.plan import AnswerCost
    from foveate.evaluation.lab.workers import Workers
    from foveate.experiments.registry import AnyExperiment

EXAMPLE = "Example: foveate compare quick --out out/quick"


def compare(
    experiment: Annotated[str, typer.Argument(metavar="NAME|PATH.py", help="A wrong name lists them all.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder for cells, tables, figures and report.html.")],
    plan: Annotated[bool, typer.Option("--plan", help="Only print cells, inferences and hours.")] = False,
    data: Annotated[Path, typer.Option(help="Folder with videos and traces.")] = Path("../shared/data"),
    model: Annotated[str | None, typer.Option(help="Model of rendered clips. Default: vitdet-tiny-world.")] = None,
    real_model: Annotated[str | None, typer.Option(help="Model of real clips. Default: vitdet-tiny-research.")] = None,
    profile: Annotated[str | None, typer.Option(help="Profile of the main tables: name or path.")] = None,
    machine: Annotated[list[str] | None, typer.Option(help="One more profile to compare on. May be repeated.")] = None,
    part: Annotated[
        str,
        typer.Option(help="main: the main tables; links: also other traces and transports; all: other durations too."),
    ] = "all",
    seconds: Annotated[float | None, typer.Option(help="Length of a cell. Default: the experiment's.")] = None,
    offsets: Annotated[int | None, typer.Option(min=1, help="Starts in each trace. Default: the experiment's.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws the starts in the traces, the same for all policies.")] = 0,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes. Default: one for each core.")] = None,
    hours: Annotated[
        float | None, typer.Option(min=0, help="Begin no cell after them; report what is finished. 0: only report.")
    ] = None,
    ray: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Run the cells on a Ray cluster.")] = None,
    parquet: Annotated[bool, typer.Option("--parquet", help="Also write the tables as Parquet.")] = False,
) -> None:
    """Run the cells of an experiment that are not in OUT yet, then write tables, figures and a report of all of them.

    Can be stopped at any time and goes on where it was. Cells come in rounds of one start in one trace. A cell that
    fails is reported, and tried again the next time.
    """
    from rich.console import Console

    from foveate.cli.outputs import folder_for
    from foveate.cli.recipes import blames
    from foveate.core import InputError
    from foveate.evaluation.lab import choose_workers
    from foveate.evaluation.lab.workers import available_cores
    from foveate.experiments import Inputs, experiment_by_name, part_of

    folder_for(out)
    if seconds is not None and not 0 < seconds < float("inf"):
        raise InputError(f"cells last more than 0 s, got --seconds {seconds:g}")
    given = {"rendered_model": model, "real_model": real_model, "profile": profile}
    inputs = Inputs(
        data=data,
        part=part_of(part),
        measured=tuple(machine or ()),
        seconds=seconds,
        offsets=offsets,
        seed=seed,
        **{name: value for name, value in given.items() if value is not None},
    )
    with blames(Path(experiment)) if experiment.endswith(".py") else nullcontext():
        found = experiment_by_name(experiment, inputs)
    _refuse_what_its_kind_ignores(found, parquet=parquet)
    if parquet:
        _check_parquet()
    console = Console()
    if plan:
        console.print(_planned(found, out, workers or available_cores()).table(found.name))
        return
    deadline = math.inf if hours is None else time.monotonic() + 3600 * hours
    with choose_workers(ray, workers) as pool:
        report = _compared(found, out, pool, console, deadline, parquet=parquet)
    report()


def _planned(experiment: AnyExperiment, out: Path, workers: int) -> Plan | AnswerCost | ExpertsPlan:
    from foveate.evaluation.experts.experiment import ExpertsExperiment
    from foveate.evaluation.experts.plan import plan_experts
    from foveate.evaluation.lab import load_model, plan_of
    from foveate.evaluation.lab.answering import AnswerExperiment, plan_answers

    if isinstance(experiment, ExpertsExperiment):
        return plan_experts(experiment, out, workers=workers)
    if isinstance(experiment, AnswerExperiment):
        return plan_answers(experiment, out, load=load_model, workers=workers)
    return plan_of(experiment, out, load=load_model, workers=workers)


def _compared(
    experiment: AnyExperiment, out: Path, pool: Workers, console: Console, deadline: float, *, parquet: bool
) -> Callable[[], object]:
    """Run what is missing; returns what writes the report, which needs no workers."""
    from foveate.evaluation.experts.compare import compare_experts
    from foveate.evaluation.experts.experiment import ExpertsExperiment
    from foveate.evaluation.experts.report import report_experts
    from foveate.evaluation.glances import load_device_model
    from foveate.evaluation.lab import compare_job, load_model, report_job
    from foveate.evaluation.lab.answering import AnswerExperiment, compare_answers, report_answers

    if isinstance(experiment, ExpertsExperiment):
        experts = compare_experts(experiment, out, workers=pool, console=console, deadline=deadline)
        return lambda: report_experts(experts, out, console=console)
    if isinstance(experiment, AnswerExperiment):
        answers = compare_answers(
            experiment,
            out,
            load=load_model,
            load_device=load_device_model,
            workers=pool,
            console=console,
            deadline=deadline,
        )
        return lambda: report_answers(answers, out, console=console)
    comparison = compare_job(experiment, out, load=load_model, workers=pool, console=console, deadline=deadline)
    return lambda: report_job(comparison, out, console=console, parquet=parquet)


def _refuse_what_its_kind_ignores(experiment: AnyExperiment, *, parquet: bool) -> None:
    """Raises `InputError` where an option is given that experiments of another kind alone heed."""
    from foveate.core import InputError
    from foveate.evaluation.lab import Experiment

    if parquet and not isinstance(experiment, Experiment):
        raise InputError(f"{experiment.name} takes no --parquet: its tables are CSV")


def _check_parquet() -> None:
    """Before the cells, which may take hours: whether their tables can be written."""
    from importlib.util import find_spec

    from foveate.core import FoveateError

    if find_spec("pyarrow") is None:
        raise FoveateError("Parquet needs pyarrow: pip install 'foveate[parquet]'")
