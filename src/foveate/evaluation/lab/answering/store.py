"""Finished cells on disk: one file each, named by the cell's key, written whole or not at all."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

import foveate
from foveate.core import MediaError
from foveate.evaluation.lab.answering.cell import AnswerCell
from foveate.evaluation.lab.answering.run_cell import AnswerResult
from foveate.evaluation.lab.store import code_digest


class StoredAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """A finished cell."""

    cell: AnswerCell
    result: AnswerResult
    version: str
    """Of foveate."""
    code: str
    """Digest of the program that computed it."""


class AnswerStore:
    """Cells under a folder."""

    def __init__(self, out: Path) -> None:
        self._folder = out / "cells"

    def finished(self, cells: Iterable[AnswerCell]) -> set[str]:
        """Keys of those that are there."""
        return {cell.key for cell in cells if self._path(cell.key).is_file()}

    def put(self, cell: AnswerCell, result: AnswerResult) -> None:
        """Keep a result. Raises `MediaError` where the disk refuses."""
        stored = StoredAnswers(cell=cell, result=result, version=foveate.__version__, code=code_digest())
        path = self._path(cell.key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            part.write_bytes(msgspec.json.encode(stored))
            part.replace(path)
        except OSError as error:
            raise MediaError(f"cannot write {path}: {error.strerror}") from error

    def get(self, key: str) -> StoredAnswers | None:
        """A finished cell; None if it is not there, or is no cell of this version."""
        try:
            return msgspec.json.decode(self._path(key).read_bytes(), type=StoredAnswers)
        except (OSError, msgspec.MsgspecError):
            return None

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"
