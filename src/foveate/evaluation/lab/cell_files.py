"""Finished cells on disk, of any kind: one file each, named by the cell's key, written whole or not at all."""

import hashlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import msgspec

import foveate
from foveate.core import MediaError
from foveate.core.whole_files import whole_file

Stored = TypeVar("Stored")


class Keyed(Protocol):
    """A cell, as far as its file needs it."""

    @property
    def key(self) -> str:
        """Names it."""
        ...


class CellFiles(Generic[Stored]):
    """Files in `folder` under `out`; `kind`: what is kept of a finished cell."""

    def __init__(self, out: Path, kind: type[Stored], *, folder: str = "cells") -> None:
        self._folder, self._kind = out / folder, kind

    def finished(self, cells: Iterable[Keyed]) -> set[str]:
        """Keys of those that are there and can be read: a damaged one is computed again."""
        return {key for key in {cell.key for cell in cells} if self.get(key) is not None}

    def write(self, key: str, stored: Stored) -> None:
        """Keep a result. Raises `MediaError` where the disk refuses."""
        with whole_file(self._path(key), MediaError) as draft:
            self._folder.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(msgspec.json.encode(stored))

    def get(self, key: str) -> Stored | None:
        """A finished cell; None if it is not there, or is no cell of this version."""
        try:
            return msgspec.json.decode(self._path(key).read_bytes(), type=self._kind)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None

    def all(self) -> Iterator[Stored]:
        """Everything that is there and can be read, the latest first."""
        files = [(path.stat().st_mtime, path.stem) for path in self._folder.glob("*.json")]
        for _, key in sorted(files, reverse=True):
            if (stored := self.get(key)) is not None:
                yield stored

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
