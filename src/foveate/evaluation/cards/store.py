"""Where the figures of cards are kept, so that none is measured twice."""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from foveate.core import foveate_home
from foveate.core.whole_files import whole_file


@dataclass(frozen=True, kw_only=True)
class Store:
    """One small file for each part of a card, named by all that its figures depend on."""

    folder: Path

    @classmethod
    def at_home(cls) -> "Store":
        """Under `$FOVEATE_HOME/cards/parts`."""
        return cls(folder=foveate_home() / "cards" / "parts")

    def read(self, key: dict[str, Any]) -> dict[str, Any] | None:
        """The figures of that key, or None if they are not there or torn."""
        try:
            entry: dict[str, Any] = json.loads(self._path(key).read_text(encoding="utf-8"))
            figures: dict[str, Any] = entry["figures"]
        except (OSError, ValueError, KeyError):
            return None
        return figures

    def write(self, key: dict[str, Any], figures: dict[str, Any]) -> None:
        """Keep figures under `key`, at once or not at all. Raises `FoveateError` where the disk refuses."""
        with whole_file(self._path(key)) as draft:
            self.folder.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps({"key": key, "figures": figures}) + "\n", encoding="utf-8")

    def forget(self, key: dict[str, Any]) -> None:
        """Drop the figures of that key, if there are any."""
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: dict[str, Any]) -> Path:
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:24]
        return self.folder / f"{digest}.json"


def file_digest(path: Path) -> str:
    """First 16 hexadecimal digits of a file's SHA-256, read again only when the file has changed."""
    state = path.stat()
    return _digest(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=256)
def _digest(path: Path, _size: int, _changed_at: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
