"""Where foveate keeps what it can make again: checkpoints, rendered media, caches, logs."""

import os
from pathlib import Path


def foveate_home() -> Path:
    """`$FOVEATE_HOME`, or `~/.cache/foveate`. The folder may not exist yet."""
    return Path(os.environ.get("FOVEATE_HOME") or Path.home() / ".cache" / "foveate").expanduser()
