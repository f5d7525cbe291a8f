"""The job of `foveate compare` for answering policies: run the cells that are missing, give all that are finished."""

import math
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from rich.console import Console

from foveate.core import FoveateError
from foveate.evaluation.lab.answering.cell import AnswerCell, answer_cells
from foveate.evaluation.lab.answering.experiment import AnswerCondition, AnswerContender, AnswerExperiment
from foveate.evaluation.lab.answering.run_cell import LoadDeviceByName, run_answer_cell
from foveate.evaluation.lab.answering.store import AnswerStore, StoredAnswers
from foveate.evaluation.lab.models import LoadByName, describe
from foveate.evaluation.lab.prepare import ClipFacts, counted
from foveate.evaluation.lab.store import Failure, Store
from foveate.evaluation.lab.trials import Trials
from foveate.evaluation.lab.workers import Task, Workers
from foveate.network.messages import Welcome

Entry = tuple[AnswerContender, AnswerCondition, StoredAnswers]


@dataclass(frozen=True, kw_only=True)
class AnswerComparison:
    """What is known when all cells were tried."""

    experiment: AnswerExperiment
    cells: list[Entry]
    """Finished ones, in the order of the experiment."""
    wanted: int
    """How many cells the experiment has."""
    failures: list[Failure]


def compare_answers(
    experiment: AnswerExperiment,
    out: Path,
    *,
    load: LoadByName,
    load_device: LoadDeviceByName,
    workers: Workers,
    console: Console,
    deadline: float = math.inf,
) -> AnswerComparison:
    """Run what is missing; no cell is begun from `deadline` on, in seconds of `time.monotonic()`.

    Raises `FoveateError` if no cell can be made at all.
    """
    trials = Trials(workers=workers, console=console)
    clips, models = _facts(experiment, load, trials)
    cells = answer_cells(experiment, clips, models)
    if not cells:
        raise FoveateError(f"experiment {experiment.name} has no cell that could run: {trials.problems}")
    store, by_key = AnswerStore(out), {cell.key: cell for _, _, cell in cells}
    finished = store.finished(by_key.values())
    console.print(f"{len(by_key)} cells, {len(finished)} of them finished before")
    left = [cell for key, cell in by_key.items() if key not in finished]
    tasks = [Task(call=run_answer_cell, arguments=(cell, load, load_device), name=str(cell)) for cell in left]
    for done in trials.run("cells", tasks, len(tasks), deadline=deadline):
        store.put(left[done.index], done.value)
    Store(out).put_failures(trials.failures)
    stored = {key: store.get(key) for key in by_key}
    found = [(contender, condition, stored[cell.key], cell) for contender, condition, cell in cells]
    return AnswerComparison(
        experiment=experiment,
        cells=[(c, w, _relabelled(entry, cell)) for c, w, entry, cell in found if entry is not None],
        wanted=len(by_key),
        failures=trials.failures,
    )


def model_names(experiment: AnswerExperiment) -> list[str]:
    """All models, each once."""
    used = ((one, video) for one, video in product(experiment.contenders, experiment.videos) if video.kind in one.kinds)
    return list(dict.fromkeys(name for contender, video in used for name in experiment.models_of(contender, video)))


def _facts(
    experiment: AnswerExperiment, load: LoadByName, trials: Trials
) -> tuple[dict[Path, ClipFacts], dict[str, Welcome]]:
    videos, models = list(dict.fromkeys(video.path for video in experiment.videos)), model_names(experiment)
    tasks = [
        *(Task(call=describe, arguments=(load, name), name=f"model {name}") for name in models),
        *(Task(call=counted, arguments=(path, experiment.seconds), name=str(path)) for path in videos),
    ]
    values: dict[int, Any] = {done.index: done.value for done in trials.run("clips", tasks, len(tasks))}
    described = {name: values[i] for i, name in enumerate(models) if i in values}
    return {path: values[i] for i, path in enumerate(videos, len(models)) if i in values}, described


def _relabelled(stored: StoredAnswers, cell: AnswerCell) -> StoredAnswers:
    """Labels may be others than when a cell was computed: the present ones count."""
    return StoredAnswers(cell=cell, result=stored.result, version=stored.version, code=stored.code)
