"""Where foveate keeps what it can make again: checkpoints, rendered media, caches, logs."""

import os
from pathlib import Path

from foveate.core.errors import InputError


def foveate_home() -> Path:
    """`$FOVEATE_HOME`, or `~/.cache/foveate`. The folder may not exist yet.

    Raises `InputError` where `~` leads nowhere, as for a user without a home.
    """
    named = os.environ.get("FOVEATE_HOME") or "~/.cache/foveate"
    try:
        return Path(named).expanduser()
    except RuntimeError as error:
        raise InputError(f"{named} is in no known home folder: set FOVEATE_HOME to a whole path") from error


def other_home(path: Path) -> str:
    """What to add to a refusal of `path`, where that is of the folder of caches, which a command line may not name."""
    try:
        at, home = path.absolute(), foveate_home().absolute()
    except InputError:  # there is none, and the refusal is of another place
        return ""
    never_made = home.is_relative_to(at) and not os.access(at, os.F_OK)
    return "; FOVEATE_HOME names another folder" if never_made or at.is_relative_to(home) else ""
