"""Whether a clip that was named is there: asked before a model is loaded, and in one wording for all commands."""

from pathlib import Path

from foveate.core import MediaError


def a_clip(path: Path) -> Path:
    """`path`, if it is a file. Raises `MediaError`; whether it is a video its reader tells."""
    if not path.is_file():
        raise MediaError(f"no video file {path}")
    return path
