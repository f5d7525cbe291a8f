"""The job of `foveate compare` for Ask the Expert: run what is missing, give all that is finished."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from foveate.core import FoveateError, InputError
from foveate.evaluation.experts.cell import ExpertsCell
from foveate.evaluation.experts.cells import Placed, expert_cells
from foveate.evaluation.experts.experiment import ExpertsExperiment, ExpertsResults
from foveate.evaluation.experts.models import Outputs, SentPictures
from foveate.evaluation.experts.pooled import pooled_figures
from foveate.evaluation.experts.run_cell import Played, played_by, run_experts_cell, stream_of
from foveate.evaluation.experts.store import RunStore, StoredRun, StoredStudy, StudyStore
from foveate.evaluation.experts.study import study_training
from foveate.evaluation.experts.training import Training, describe_training, is_usable, missing_of
from foveate.evaluation.lab.store import Failure, Store
from foveate.evaluation.lab.trials import Trials
from foveate.evaluation.lab.workers import Task, ThisProcess, Workers


@dataclass(frozen=True, kw_only=True)
class ExpertsComparison:
    """What is known when all cells were tried."""

    experiment: ExpertsExperiment
    results: ExpertsResults
    """Of the links that every row of every training has finished."""
    wanted: int
    """How many cells the experiment has, with the trainings that were looked at."""
    finished: int
    """How many of them are finished."""
    failures: list[Failure]
    codes: tuple[str, ...]
    """Digests of the programs that computed what is finished."""


def compare_experts(
    experiment: ExpertsExperiment,
    out: Path,
    *,
    workers: Workers,
    console: Console,
    deadline: float = math.inf,
) -> ExpertsComparison:
    """Run what is missing; nothing is begun from `deadline` on, in seconds of `time.monotonic()`.

    Raises `InputError` where no training has been finished, `FoveateError` if no cell can be made at all.
    """
    return _Job(experiment, out, Trials(workers=workers, console=console), deadline).run()


@dataclass(frozen=True, kw_only=True, eq=False)
class _Studied:
    """A training that was looked at."""

    training: Training
    stored: StoredStudy
    played: Played | None
    """What the cells that are left need; None where there are none, or no time for them."""


class _Job:
    def __init__(self, experiment: ExpertsExperiment, out: Path, trials: Trials, deadline: float) -> None:
        self._experiment, self._out, self._trials, self._deadline = experiment, out, trials, deadline
        self._runs, self._studies = RunStore(out), StudyStore(out)

    def run(self) -> ExpertsComparison:
        usable, missing = _sorted_out(self._experiment.models)
        studied, without = self._studied(usable)
        cells = self._cells(studied)
        self._run_cells(cells, {found.training.name: found.played for found in studied})
        Store(self._out).put_failures(self._trials.failures)
        stored = {cell.key: self._runs.get(cell.key) for cell, _ in cells}
        finished = {key: run for key, run in stored.items() if run is not None}
        return ExpertsComparison(
            experiment=self._experiment,
            results=_results(studied, [cell for cell, _ in cells], finished, [*missing, *without]),
            wanted=len(stored),
            finished=len(finished),
            failures=self._trials.failures,
            codes=tuple(
                dict.fromkeys([*(found.stored.code for found in studied), *(run.code for run in finished.values())])
            ),
        )

    def _studied(self, folders: Sequence[Path]) -> tuple[list[_Studied], list[str]]:
        """Trainings that were looked at; for each other one why not.

        In this process: it alone reads pictures and loads models, and hands out what single cells need.
        """
        here = replace(self._trials, workers=ThisProcess())
        tasks = [Task(call=self._study, arguments=(folder,), name=str(folder)) for folder in folders]
        values: dict[int, _Studied | None] = {d.index: d.value for d in here.run("choices", tasks, len(tasks))}
        studied = [found for found in values.values() if found is not None]
        late = [f"{folders[i]}: not looked at in time" for i, found in values.items() if found is None]
        if not studied:
            why = "; ".join(filter(None, [self._trials.problems, *late]))
            raise FoveateError(f"experiment {self._experiment.name} has no cell that could run: {why}")
        return studied, [*(f"{failure.what}: {failure.problem}" for failure in self._trials.failures), *late]

    def _study(self, folder: Path) -> _Studied | None:
        """None if there is no time left for it."""
        held_out, pictures = self._experiment.read(folder)
        coding = self._experiment.coding
        training = describe_training(folder, held_out, pictures, coding)
        self._trials.console.print(
            f"{folder.name}: {len(training.weights)} models, {len(pictures)} pictures of {pictures.name}"
        )
        stored, late = self._studies.get(training.key), self._is_late
        if late and stored is None:
            return None
        if stored is not None and (late or not self._left_of(training, stored)):
            return _Studied(training=training, stored=stored, played=None)
        sent, outputs = SentPictures.of(pictures, coding), Outputs()
        if stored is None:
            study = study_training(training, SentPictures.of(held_out, coding), sent, outputs)
            training.check_weights()
            stored = self._studies.put(training, study)
        left = self._left_of(training, stored)
        return _Studied(training=training, stored=stored, played=played_by(left, training, sent, outputs))

    @property
    def _is_late(self) -> bool:
        return time.monotonic() >= self._deadline

    def _cells(self, studied: Sequence[_Studied]) -> list[Placed]:
        cells = expert_cells(self._experiment, [(found.training, found.stored.study) for found in studied])
        wanted = len({cell.key for cell, _ in cells})
        finished = wanted - len(self._left(cells))
        self._trials.console.print(f"{wanted} cells, {finished} of them finished before")
        return cells

    def _left_of(self, training: Training, stored: StoredStudy) -> list[ExpertsCell]:
        return [cell for cell, _ in self._left(expert_cells(self._experiment, [(training, stored.study)]))]

    def _left(self, cells: Sequence[Placed]) -> list[Placed]:
        """Each key once."""
        finished, left = self._runs.finished(cell for cell, _ in cells), dict[str, Placed]()
        for cell, link in cells:
            if cell.key not in finished:
                left.setdefault(cell.key, (cell, link))
        return list(left.values())

    def _run_cells(self, cells: Sequence[Placed], played: dict[str, Played | None]) -> None:
        there = {name: found for name, found in played.items() if found is not None}
        left = [(cell, link) for cell, link in self._left(cells) if cell.training in there]
        tasks = (
            Task(
                call=run_experts_cell,
                arguments=(cell, stream_of(cell, there[cell.training]), link.link),
                name=str(cell),
            )
            for cell, link in left
        )
        for done in self._trials.run("cells", tasks, len(left), deadline=self._deadline):
            self._runs.put(left[done.index][0], done.value)


def _sorted_out(folders: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Trainings that can be used, and what is missing. Raises `InputError` where none can."""
    usable, missing = [folder for folder in folders if is_usable(folder)], list[str]()
    for folder in folders:
        nothing = [f"{folder}: no finished generalist, base, static and progressive experts"]
        missing += missing_of(folder) if folder in usable else nothing
    if not usable:
        raise InputError("no finished training: " + "; ".join(missing) + " (`foveate train experts` makes them)")
    return usable, missing


def _results(
    studied: Sequence[_Studied],
    cells: Sequence[ExpertsCell],
    finished: dict[str, StoredRun],
    missing: list[str],
) -> ExpertsResults:
    studies = [(found.training.name, found.stored.study) for found in studied]
    return ExpertsResults(
        rows=_rows([name for name, _ in studies], cells, finished),
        specialists=[{"seed": name, **row} for name, study in studies for row in study.specialists],
        choices=[{"seed": name, **row} for name, study in studies for row in study.choices],
        curves=[{"seed": name, **row} for name, study in studies for row in study.curves],
        pooled=list(pooled_figures([study.per_picture for _, study in studies])),
        missing=missing,
    )


def _rows(
    trainings: Sequence[str], cells: Sequence[ExpertsCell], finished: dict[str, StoredRun]
) -> list[dict[str, Any]]:
    """Training by training, of the links that all of them have whole."""
    torn = {cell.place for cell in cells if cell.key not in finished}
    whole = sorted((cell for cell in cells if cell.place not in torn), key=lambda cell: trainings.index(cell.training))
    return [{**cell.described, **finished[cell.key].figures} for cell in whole]
