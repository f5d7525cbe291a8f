"""Finished cells of a comparison of policies, and what did not work."""

from pathlib import Path

import msgspec

import foveate
from foveate.evaluation.lab.cell import Cell
from foveate.evaluation.lab.cell_files import CellFiles, code_digest
from foveate.evaluation.lab.result import CellResult


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A finished cell."""

    cell: Cell
    result: CellResult
    version: str
    """Of foveate."""
    code: str
    """Digest of the program that computed it."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A cell, or a step before the cells, that did not work."""

    what: str
    problem: str
    """One line."""
    traceback: str = ""


class Store(CellFiles[Stored]):
    """Cells under a folder, and what did not work."""

    def __init__(self, out: Path) -> None:
        super().__init__(out, Stored)
        self._failures = out / "failures.json"

    def put(self, cell: Cell, result: CellResult) -> None:
        """Keep a result. Raises `MediaError` where the disk refuses."""
        self.write(cell.key, Stored(cell=cell, result=result, version=foveate.__version__, code=code_digest()))

    def put_failures(self, failures: list[Failure]) -> None:
        """Replace what is known of failures; an empty list removes the file."""
        if not failures:
            self._failures.unlink(missing_ok=True)
            return
        self._failures.parent.mkdir(parents=True, exist_ok=True)
        self._failures.write_bytes(msgspec.json.format(msgspec.json.encode(failures), indent=1) + b"\n")
