"""What `experts-overall` would cost, before anything is computed or any picture is read."""

from dataclasses import dataclass

from rich.table import Table

from foveate.evaluation.experts.cells import ON_THE_MAP, map_points
from foveate.evaluation.experts.contenders import standard_labels
from foveate.evaluation.experts.experiment import ExpertsExperiment, is_usable
from foveate.evaluation.experts.models import complete_names

SIMULATED_S = 0.0005
"""Of one core for each simulated sample (EPYC Zen 4, 2026-11)."""
OTHER_S = 90.0
"""For each training: reading and coding of pictures, choices, intervals, figures."""


@dataclass(frozen=True, kw_only=True)
class ExpertsPlan:
    """Counts and estimates; upper bounds, for thresholds at equal accuracy may not exist and outputs may be kept."""

    trainings: int
    cells: int
    samples: int
    """To simulate, over all cells."""
    inferences: int
    """Pictures through models."""
    hours: float
    pace: str
    missing: tuple[str, ...]
    """Trainings that are not there."""

    def table(self, name: str) -> Table:
        """For people."""
        table = Table(title=f"plan of {name}", show_header=False, title_justify="left")
        rows = (
            ("trainings", str(self.trainings)),
            ("cells", f"at most {self.cells:,}"),
            ("samples to simulate", f"at most {self.samples:,}"),
            ("inferences", f"at most {self.inferences:,}"),
            ("time", f"at most {60 * self.hours:.0f} minutes of one core"),
            ("pace", self.pace),
        )
        for row in (*rows, *(("not there", problem) for problem in self.missing)):
            table.add_row(*row)
        return table


def plan_experts(experiment: ExpertsExperiment) -> ExpertsPlan:
    """Look at the names of trained models, and at nothing else."""
    there = [folder for folder in experiment.models if is_usable(folder)]
    names = [complete_names(folder) for folder in there]
    cells = sum(_cells(experiment, found) for found in names)
    inferences = experiment.pictures * sum(map(len, names))
    picture_s = experiment.times.sample_s
    seconds = cells * experiment.samples * SIMULATED_S + inferences * picture_s + OTHER_S * len(there)
    return ExpertsPlan(
        trainings=len(there),
        cells=cells,
        samples=cells * experiment.samples,
        inferences=inferences,
        hours=seconds / 3600,
        pace=f"{1e3 * picture_s:.1f} ms a picture, {1e3 * SIMULATED_S:.1f} ms a simulated sample (EPYC Zen 4)",
        missing=tuple(str(folder) for folder in experiment.models if folder not in there),
    )


def _cells(experiment: ExpertsExperiment, names: set[str]) -> int:
    labels = standard_labels(names)
    shown = sum(label.startswith(ON_THE_MAP) for label in labels)
    return len(experiment.links) * (2 * len(labels) - 1) + shown * len(map_points())
