"""Finished cells of a comparison of policies that answer."""

from pathlib import Path

import msgspec

import foveate
from foveate.evaluation.lab.answering.cell import AnswerCell
from foveate.evaluation.lab.answering.run_cell import AnswerResult
from foveate.evaluation.lab.cell_files import CellFiles, code_digest


class StoredAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """A finished cell."""

    cell: AnswerCell
    result: AnswerResult
    version: str
    """Of foveate."""
    code: str
    """Digest of the program that computed it."""


class AnswerStore(CellFiles[StoredAnswers]):
    """Cells under a folder."""

    def __init__(self, out: Path) -> None:
        super().__init__(out, StoredAnswers)

    def put(self, cell: AnswerCell, result: AnswerResult) -> None:
        """Keep a result. Raises `MediaError` where the disk refuses."""
        self.write(cell.key, StoredAnswers(cell=cell, result=result, version=foveate.__version__, code=code_digest()))
