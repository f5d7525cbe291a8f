"""Finished cells of Ask the Expert, and studies of trainings."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

import foveate
from foveate.evaluation.experts.cell import ExpertsCell
from foveate.evaluation.experts.study import Study
from foveate.evaluation.experts.training import Training
from foveate.evaluation.lab.cell_files import CellFiles, code_digest


class StoredRun(msgspec.Struct, frozen=True, kw_only=True):
    """A finished cell."""

    cell: ExpertsCell
    figures: dict[str, Any]
    version: str
    """Of foveate."""
    code: str
    """Digest of the program that computed it."""


class StoredStudy(msgspec.Struct, frozen=True, kw_only=True):
    """A finished study."""

    training: Training
    study: Study
    version: str
    code: str


class RunStore(CellFiles[StoredRun]):
    """Cells under a folder."""

    def __init__(self, out: Path) -> None:
        super().__init__(out, StoredRun)

    def put(self, cell: ExpertsCell, figures: dict[str, Any]) -> None:
        """Keep a result. Raises `MediaError` where the disk refuses."""
        self.write(cell.key, StoredRun(cell=cell, figures=figures, version=foveate.__version__, code=code_digest()))


class StudyStore(CellFiles[StoredStudy]):
    """Studies under a folder."""

    def __init__(self, out: Path) -> None:
        super().__init__(out, StoredStudy, folder="trainings")

    def put(self, training: Training, study: Study) -> StoredStudy:
        """Keep a result, and return what was kept. Raises `MediaError` where the disk refuses."""
        stored = StoredStudy(training=training, study=study, version=foveate.__version__, code=code_digest())
        self.write(training.key, stored)
        return stored

    def of_models(self, weights: dict[str, str], coding: str) -> Iterator[StoredStudy]:
        """Studies of these models, whatever the pictures were: for plans, which read none."""
        for stored in self.all():
            if (stored.training.weights, stored.training.coding) == (weights, coding):
                yield stored
