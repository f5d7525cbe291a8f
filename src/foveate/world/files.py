"""Files that appear whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from foveate.world.errors import WorldError


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its name when the block ends well, and vanishes when it does not.

    Raises `WorldError` when the place cannot be written to or is full.
    """
    draft = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield draft
        draft.replace(path)
    except OSError as error:
        raise WorldError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        # The error worth telling is the first one, not that there is nothing to remove.
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes `text` as UTF-8, whole or not at all."""
    with appearing(path) as draft:
        draft.write_text(text, encoding="utf-8")
