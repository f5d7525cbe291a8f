"""The job of `foveate compare`: prepare, run the cells that are missing, write tables and report."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from foveate.core import FoveateError
from foveate.evaluation.lab.best_of import with_best
from foveate.evaluation.lab.cell import Cell
from foveate.evaluation.lab.cells import cells_of
from foveate.evaluation.lab.clip_quality import ClipQuality, clip_quality
from foveate.evaluation.lab.experiment import Contender, Experiment
from foveate.evaluation.lab.models import LoadByName, describe
from foveate.evaluation.lab.pace import keep_pace
from foveate.evaluation.lab.prepare import ClipFacts, answer_key, clip_facts, compute_answers, missing_answers
from foveate.evaluation.lab.result import CellResult
from foveate.evaluation.lab.run_cell import run_cell
from foveate.evaluation.lab.segment import played_positions
from foveate.evaluation.lab.store import Failure, Store, Stored
from foveate.evaluation.lab.trials import Trials
from foveate.evaluation.lab.workers import Task, Workers
from foveate.network.messages import Welcome

_ANSWERS_PER_TASK = 20


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What is known when all cells were tried."""

    experiment: Experiment
    cells: list[tuple[Contender, Stored]]
    """Finished ones, in the order of the experiment, then those of rows that are told afterwards; contenders of equal
    policy share theirs."""
    clips: dict[str, ClipFacts]
    """By path."""
    models: dict[str, Welcome]
    """By name."""
    quality: dict[str, ClipQuality]
    """By name of the clip."""
    failures: list[Failure]
    computed_cells: int
    """How many were not there before."""
    wanted_cells: int
    """How many the experiment has, rows that are told afterwards left out."""


def compare_job(
    experiment: Experiment,
    out: Path,
    *,
    load: LoadByName,
    workers: Workers,
    console: Console,
    deadline: float = math.inf,
) -> Comparison:
    """Run what is missing; nothing is begun from `deadline` on, in seconds of `time.monotonic()`.

    Raises `FoveateError` if no cell can be made at all.
    """
    return _Job(experiment, out, load=load, workers=workers, console=console, deadline=deadline).run()


class _Job:
    def __init__(
        self,
        experiment: Experiment,
        out: Path,
        *,
        load: LoadByName,
        workers: Workers,
        console: Console,
        deadline: float,
    ) -> None:
        self._experiment, self._out, self._load = experiment, out, load
        self._trials, self._console, self._deadline = Trials(workers=workers, console=console), console, deadline
        self._store = Store(out)
        self._inferred_s = self._inferred_mpixels = self._simulated_s = 0.0
        self._simulated_frames = 0

    def run(self) -> Comparison:
        clips, models = self._facts()
        cells = cells_of(self._experiment, clips, models)
        if not cells:
            problems = self._trials.problems
            raise FoveateError(f"experiment {self._experiment.name} has no cell that could run: {problems}")
        left = self._left([cell for _, cell in cells])
        by_path = {str(path): facts for path, facts in clips.items()}
        self._answers(left, by_path, models)
        computed = self._run_cells(left)
        stored = {key: self._store.get(key) for key in {cell.key for _, cell in cells}}
        quality = self._quality([cell for _, cell in cells if stored[cell.key] is not None])
        self._store.put_failures(self._trials.failures)
        self._keep_pace()
        found = [(contender, stored[cell.key]) for contender, cell in cells]
        return Comparison(
            experiment=self._experiment,
            # Labels may be others than when a cell was computed: the present ones count.
            cells=with_best(
                self._experiment,
                [
                    (contender, _relabelled(entry, cell))
                    for (contender, entry), (_, cell) in zip(found, cells, strict=True)
                    if entry is not None
                ],
            ),
            clips=by_path,
            models=models,
            quality=quality,
            failures=self._trials.failures,
            computed_cells=computed,
            wanted_cells=len(stored),
        )

    def _facts(self) -> tuple[dict[Path, ClipFacts], dict[str, Welcome]]:
        videos = list(dict.fromkeys(video.path for video in self._experiment.videos))
        models = list(dict.fromkeys(video.model for video in self._experiment.videos))
        tasks = [
            *(Task(call=describe, arguments=(self._load, name), name=f"model {name}") for name in models),
            *(Task(call=clip_facts, arguments=(path,), name=str(path)) for path in videos),
        ]
        values: dict[int, Any] = {done.index: done.value for done in self._trials.run("clips", tasks, len(tasks))}
        described = {name: values[i] for i, name in enumerate(models) if i in values}
        seen = {path: values[i] for i, path in enumerate(videos, len(models)) if i in values}
        return seen, described

    def _left(self, cells: Sequence[Cell]) -> list[Cell]:
        finished = self._store.finished(cells)
        left = {cell.key: cell for cell in cells if cell.key not in finished}
        self._console.print(f"{len({cell.key for cell in cells})} cells, {len(finished)} of them finished before")
        return list(left.values())

    def _answers(self, cells: Sequence[Cell], clips: dict[str, ClipFacts], models: dict[str, Welcome]) -> None:
        """The model's own answers that cells will be scored against, spread over all workers."""
        tasks, pixels = [], []
        for path, model, seconds, frames in dict.fromkeys(
            (c.clip.path, c.model.name, c.seconds, c.clip.frames) for c in cells
        ):
            facts, key = clips[path], answer_key(clips[path].sha256, models[model])
            positions = sorted(set(played_positions(frames, round(seconds * facts.fps))))
            missing = missing_answers(Path(path), key, positions)
            for start in range(0, len(missing), _ANSWERS_PER_TASK):
                part = missing[start : start + _ANSWERS_PER_TASK]
                name = f"answers on {Path(path).stem}, frames {part[0]} to {part[-1]}"
                tasks.append(
                    Task(call=compute_answers, arguments=(Path(path), key, part, self._load, model), name=name)
                )
                pixels.append(facts.size[0] * facts.size[1])
        for done in self._trials.run("truth", tasks, len(tasks), deadline=self._deadline):
            self._inferred_s += done.seconds
            self._inferred_mpixels += done.value * pixels[done.index] / 1e6

    def _run_cells(self, cells: Sequence[Cell]) -> int:
        """How many could be finished."""
        finished = 0
        tasks = [Task(call=run_cell, arguments=(cell, self._load), name=str(cell)) for cell in cells]
        for done in self._trials.run("cells", tasks, len(tasks), deadline=self._deadline):
            result: CellResult = done.value
            self._store.put(cells[done.index], result)
            finished += 1
            if not result.computed:
                self._simulated_s += done.seconds
                self._simulated_frames += len(result.frames)
        return finished

    def _quality(self, cells: Sequence[Cell]) -> dict[str, ClipQuality]:
        """Ceiling and flicker of every clip."""
        clips = {cell.clip.name: cell for cell in cells}
        tasks = [
            Task(call=clip_quality, arguments=(cell, self._load), name=f"ceiling of {n}") for n, cell in clips.items()
        ]
        found = {done.index: done.value for done in self._trials.run("scales", tasks, len(tasks))}
        return {name: found[i] for i, name in enumerate(clips) if i in found}

    def _keep_pace(self) -> None:
        inference = self._inferred_s / self._inferred_mpixels if self._inferred_mpixels else None
        frame = self._simulated_s / self._simulated_frames if self._simulated_frames else None
        if inference or frame:
            keep_pace(inference_s=inference, frame_s=frame)


def _relabelled(stored: Stored, cell: Cell) -> Stored:
    return Stored(cell=cell, result=stored.result, version=stored.version, code=stored.code)
