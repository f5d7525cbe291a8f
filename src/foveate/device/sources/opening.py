"""From what a user calls a camera to the source of its frames."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from foveate.core import InputError
from foveate.device.sources._base import FrameSource, checked_fps
from foveate.device.sources.capture import open_device, open_pipeline, open_url
from foveate.device.sources.clip import Clip
from foveate.device.sources.folder import ImageFolder


def open_source(camera: int | str | Path, *, fps: float | None = None, loop: int = 1) -> FrameSource:
    """The frames of `camera`: the number of a camera, a URL, a GStreamer pipeline, a video file or a folder.

    A text of digits is a number, one with `://` a URL, one with `!` a pipeline. `fps`: frames per second, in place of
    the source's own; a folder has none of its own. `loop`: a file or a folder is played this often, alternately
    forward and backward. Raises `MediaError` if no frame can be had, `InputError` if `fps` or `loop` cannot be.
    """
    if fps is not None:
        checked_fps(fps)
    text = str(camera)
    if Path(text).is_dir():
        return ImageFolder(text, fps=fps, loop=loop)
    opener = _live_opener(text)
    if opener is None or Path(text).is_file():
        return Clip(text, fps=fps, loop=loop)
    if loop != 1:
        raise InputError(f"only a file or a folder can be played more than once, got loop {loop} for {text}")
    return opener(fps=fps)


def _live_opener(text: str) -> Callable[..., FrameSource] | None:
    if text.isascii() and text.isdigit():
        return partial(open_device, int(text))
    if "://" in text:
        return partial(open_url, text)
    return partial(open_pipeline, text) if "!" in text else None
