"""A folder of pictures as a video."""

from collections.abc import Iterator
from pathlib import Path

from foveate.codec import is_image, read_image
from foveate.core import InputError, MediaError, Pixels
from foveate.device.sources._base import FrameSource, checked_fps, checked_loop
from foveate.device.sources.clip import played_frames


class ImageFolder(FrameSource):
    """The pictures of a folder in the order of their names, `fps` of them a second; other files are passed over.

    Raises `MediaError` where there is no picture, and, while it is played, on one that cannot be read or has another
    size than the first; `InputError` without `fps`.
    """

    def __init__(self, path: str | Path, *, fps: float | None, loop: int = 1) -> None:
        if fps is None:
            raise InputError(f"a folder of pictures needs a frame rate, got none for {path}")
        self.fps = checked_fps(fps)
        self.name = str(path)
        files = sorted(file for file in Path(path).iterdir() if is_image(file))
        if not files:
            raise MediaError(f"no picture in {path}")
        self._files = [files[index] for index in played_frames(len(files), checked_loop(loop))]
        height, width = read_image(files[0]).shape[:2]
        self.size = height, width

    def __iter__(self) -> Iterator[Pixels]:
        for file in self._files:
            pixels = read_image(file)
            if pixels.shape[:2] != self.size:
                raise MediaError(
                    f"the pictures of a folder need one size: {file} has {pixels.shape[:2]}, not {self.size}"
                )
            yield pixels

    def close(self) -> None:
        """Nothing is held."""
