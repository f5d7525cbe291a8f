"""What `experts-overall` would cost, before anything is computed or any picture is read."""

from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from foveate.evaluation.experts.cells import ON_THE_MAP, expert_cells, map_points
from foveate.evaluation.experts.contenders import standard_labels
from foveate.evaluation.experts.experiment import ExpertsExperiment
from foveate.evaluation.experts.store import RunStore, StoredStudy, StudyStore
from foveate.evaluation.experts.training import is_usable, weights_of

SIMULATED_S = 0.0005
"""Of one core for each simulated sample (EPYC Zen 4, 2026-11)."""
OTHER_S = 90.0
"""For each training: reading and coding of pictures, choices, intervals, figures."""
AGAIN_S = 30.0
"""For one that was looked at before and has cells left: reading and coding of pictures, figures."""


@dataclass(frozen=True, kw_only=True)
class ExpertsPlan:
    """Counts and estimates; upper bounds, for thresholds at equal accuracy may not exist and outputs may be kept."""

    trainings: int
    cells: int
    finished: int
    """How many of them are already there, if the pictures are still those that they were computed on."""
    samples: int
    """To simulate, over all others."""
    inferences: int
    """Pictures through models."""
    hours: float
    workers: int
    pace: str
    missing: tuple[str, ...]
    """Trainings that are not there."""

    def table(self, name: str) -> Table:
        """For people."""
        table = Table(title=f"plan of {name}", show_header=False, title_justify="left")
        rows = (
            ("trainings", str(self.trainings)),
            ("cells", f"at most {self.cells:,} ({self.finished:,} finished)"),
            ("samples to simulate", f"at most {self.samples:,}"),
            ("inferences", f"at most {self.inferences:,}"),
            ("time", f"at most {60 * self.hours:.0f} minutes with {self.workers} workers"),
            ("pace", self.pace),
        )
        for row in (*rows, *(("not there", problem) for problem in self.missing)):
            table.add_row(*row)
        return table


def plan_experts(experiment: ExpertsExperiment, out: Path, *, workers: int) -> ExpertsPlan:
    """Look at trained models and at what is finished, and at nothing else."""
    there = [folder for folder in experiment.models if is_usable(folder)]
    weights = {folder: weights_of(folder) for folder in there}
    studied = {folder: stored for folder in there if (stored := _study(experiment, weights[folder], out)) is not None}
    trainings = [(stored.training, stored.study) for stored in studied.values()]
    cells = {cell.key: cell for cell, _ in expert_cells(experiment, trainings)}
    anew = [set(found) for folder, found in weights.items() if folder not in studied]
    count = len(cells) + sum(_most_cells(experiment, names) for names in anew)
    done = RunStore(out).finished(cells.values())
    again = {cell.training for key, cell in cells.items() if key not in done}
    samples, inferences = experiment.samples * (count - len(done)), experiment.pictures * sum(map(len, anew))
    picture_s = experiment.times.sample_s
    alone_s = inferences * picture_s + OTHER_S * len(anew) + AGAIN_S * len(again)
    return ExpertsPlan(
        trainings=len(there),
        cells=count,
        finished=len(done),
        samples=samples,
        inferences=inferences,
        hours=(alone_s + samples * SIMULATED_S / workers) / 3600,
        workers=workers,
        pace=f"{1e3 * picture_s:.1f} ms a picture, {1e3 * SIMULATED_S:.1f} ms a simulated sample (EPYC Zen 4)",
        missing=tuple(str(folder) for folder in experiment.models if folder not in there),
    )


def _study(experiment: ExpertsExperiment, weights: dict[str, str], out: Path) -> StoredStudy | None:
    """The latest of these models."""
    return next(StudyStore(out).of_models(weights, str(experiment.coding)), None)


def _most_cells(experiment: ExpertsExperiment, names: set[str]) -> int:
    labels = standard_labels(names)
    shown = sum(label.startswith(ON_THE_MAP) for label in labels)
    return len(experiment.links) * (2 * len(labels) - 1) + shown * len(map_points())
