"""Rows that are told afterwards: of several contenders the one that showed most on each video."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from foveate.evaluation.lab.experiment import BestOf, Contender, Experiment
from foveate.evaluation.lab.store import Stored

Labelled = tuple[Contender, Stored]


def with_best(experiment: Experiment, cells: Sequence[Labelled]) -> list[Labelled]:
    """The cells of the contenders, then of each `BestOf` those of its best member; the other members' are left out."""
    own = {contender.label for contender in experiment.contenders}
    shown = [(contender, stored) for contender, stored in cells if contender.label in own]
    return shown + [found for best in experiment.best_of for found in _best(best, cells)]


def _best(best: BestOf, cells: Sequence[Labelled]) -> list[Labelled]:
    """Video by video in each condition; a member that lacks a cell is not considered."""
    members = {member.label for member in best.members}
    tables: defaultdict[tuple[str, ...], dict[str, list[Stored]]] = defaultdict(dict)
    for contender, stored in cells:
        if contender.label in members:
            cell = stored.cell
            place = cell.clip.name, cell.trace.group, cell.transport, cell.timing.label
            tables[place].setdefault(contender.label, []).append(stored)
    return [
        (Contender(label=best.label, policy=stored.cell.policy, tells=best.tells), stored)
        for table in tables.values()
        for stored in _best_row(table)
    ]


def _best_row(table: dict[str, list[Stored]]) -> list[Stored]:
    whole = max(len(row) for row in table.values())
    rows = [row for row in table.values() if len(row) == whole]
    return max(rows, key=_shown)


def _shown(row: Sequence[Stored]) -> float:
    """Mean rendering F1 by exact truth, where there is none by the model's own results."""
    exact, model = (
        [stored.result.figures.get(f"rendering_f1_{name}") for stored in row] for name in ("exact", "model")
    )
    return float(np.mean(np.array(model if None in exact else exact, np.float64)))
