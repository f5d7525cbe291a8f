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
