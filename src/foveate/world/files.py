"""Files that appear whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from foveate.core.whole_files import whole_file
from foveate.world.errors import WorldError


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """A `whole_file` whose folder is made if need be. Raises `WorldError` where the disk refuses."""
    with whole_file(path, WorldError) as draft:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield draft


def write_text(path: Path, text: str) -> None:
    """Writes `text` as UTF-8, whole or not at all."""
    with appearing(path) as draft:
        draft.write_text(text, encoding="utf-8")
