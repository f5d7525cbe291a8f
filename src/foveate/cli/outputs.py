"""Whether results can be written where they shall go: asked before the work, which may take hours."""

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from foveate.core import InputError


def folder_for(path: Path) -> Path:
    """`path`, if it is a folder that can be written or can be made. Makes nothing.

    Raises `InputError` if a file stands in its way, `PermissionError` if it must not be written.
    """
    standing = next(place for place in (path, *path.absolute().parents) if place.exists())
    if not standing.is_dir():
        raise InputError(f"results need a folder, and {standing} is a file: name another place")
    if not os.access(standing, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "this folder must not be written: name another place", str(standing))
    return path


def file_for(path: Path, *, reads: Iterable[str | Path | None] = ()) -> Path:
    """`path`, if a file can be written there, over an earlier one too; its folder may be missing. Makes nothing.

    `reads`: what the command reads; names that are no files, and None, are fine. Raises `InputError` if `path` is one
    of them or a folder, or if a file stands where its folder should be; `PermissionError` if it must not be written.
    """
    from foveate.evaluation.outputs import spare_inputs

    spare_inputs([path], [Path(source) for source in reads if source is not None])
    if path.is_dir():
        raise InputError(f"a file is needed, and {path} is a folder: name a file in it")
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "this file must not be written: name another one", str(path))
    folder_for(path.absolute().parent)
    return path
