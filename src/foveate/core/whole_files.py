"""Files that appear whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from foveate.core.errors import FoveateError
from foveate.core.home import other_home


@contextmanager
def whole_file(
    path: Path, refused: type[FoveateError] = FoveateError, complaint: str = "cannot write"
) -> Iterator[Path]:
    """A draft beside `path` that takes its name when the block ends well, and vanishes when it does not.

    No two drafts share a name, and none ends as finished files do: whoever looks for those finds no draft. Raises
    `refused`, in one line that begins with `complaint`, when the place cannot be written to or is full.
    """
    draft = path.with_name(f".{path.name}.{token_hex(8)}.part")
    try:
        yield draft
        draft.replace(path)
    except OSError as error:
        raise refused(f"{complaint} {path}: {error.strerror or error}{other_home(path)}") from error
    finally:
        # The error worth telling is the first one, not that there is nothing to remove.
        with suppress(OSError):
            draft.unlink(missing_ok=True)
