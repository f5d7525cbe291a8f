"""Finished cells on disk: one file each, named by the cell's key, written whole or not at all."""

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import msgspec

import foveate
from foveate.core import MediaError
from foveate.evaluation.lab.cell import Cell
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


class Store:
    """Cells under a folder."""

    def __init__(self, out: Path) -> None:
        self._folder, self._failures = out / "cells", out / "failures.json"

    def finished(self, cells: Iterable[Cell]) -> set[str]:
        """Keys of those that are there."""
        return {cell.key for cell in cells if self._path(cell.key).is_file()}

    def put(self, cell: Cell, result: CellResult) -> None:
        """Keep a result. Raises `MediaError` where the disk refuses."""
        stored = Stored(cell=cell, result=result, version=foveate.__version__, code=code_digest())
        path = self._path(cell.key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            part.write_bytes(msgspec.json.encode(stored))
            part.replace(path)
        except OSError as error:
            raise MediaError(f"cannot write {path}: {error.strerror}") from error

    def get(self, key: str) -> Stored | None:
        """A finished cell; None if it is not there, or is no cell of this version."""
        try:
            return msgspec.json.decode(self._path(key).read_bytes(), type=Stored)
        except (OSError, msgspec.MsgspecError):
            return None

    def put_failures(self, failures: list[Failure]) -> None:
        """Replace what is known of failures; an empty list removes the file."""
        if not failures:
            self._failures.unlink(missing_ok=True)
            return
        self._failures.parent.mkdir(parents=True, exist_ok=True)
        self._failures.write_bytes(msgspec.json.format(msgspec.json.encode(failures), indent=1) + b"\n")

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"


@lru_cache(maxsize=1)
def code_digest() -> str:
    """Of all modules of foveate: cells of one table should agree in it, and a report says when they do not."""
    root = Path(foveate.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]
