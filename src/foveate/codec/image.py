"""Pictures in files, and what a file is by its suffix."""

from pathlib import Path

import cv2
import numpy as np

from foveate.codec.layout import Size
from foveate.core import MediaError, Pixels, check_pixels

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
"""Files that `read_image` and `write_image` take, in lower case."""
VIDEO_SUFFIXES = frozenset(
    {
        ".3gp",
        ".avi",
        ".flv",
        ".gif",
        ".m2ts",
        ".m4v",
        ".mkv",
        ".mov",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".mts",
        ".ts",
        ".webm",
        ".wmv",
    }
)
"""Names, in lower case, by which a file is taken for a video where it could be a picture or a folder too."""


def is_image(path: str | Path) -> bool:
    """Whether the name is that of a picture; the file need not exist."""
    return Path(path).suffix.lower() in IMAGE_SUFFIXES


def is_video(path: str | Path) -> bool:
    """Whether the name is that of a video; the file need not exist."""
    return Path(path).suffix.lower() in VIDEO_SUFFIXES


def read_image(path: str | Path, size: Size | None = None) -> Pixels:
    """RGB pixels `(H, W, 3)`, turned upright as its EXIF tag says.

    `size`: `(height, width)` that its boxes are for; a picture that has it only without being turned stays as it is.
    Raises `MediaError` for a file that is no picture, or one of another size.
    """
    pixels = _decoded(path, cv2.IMREAD_COLOR)
    if size is None or pixels.shape[:2] == size:
        return pixels
    stored = _decoded(path, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if stored.shape[:2] == size:
        return stored
    height, width = pixels.shape[:2]
    raise MediaError(f"{path}: its boxes are for a picture of {size[0]} x {size[1]}, got one of {height} x {width}")


def _decoded(path: str | Path, flags: int) -> Pixels:
    try:
        data = np.frombuffer(Path(path).read_bytes(), np.uint8)
        image = cv2.imdecode(data, flags) if data.size else None
    except (OSError, cv2.error) as error:
        raise MediaError(f"cannot read image {path}: {getattr(error, 'strerror', error)}") from error
    if image is None:
        raise MediaError(f"{path} is not a readable image")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def write_image(path: str | Path, pixels: Pixels) -> None:
    """Write RGB pixels `(H, W, 3)` in the format that the suffix names. Raises `MediaError`."""
    if not is_image(path):
        raise MediaError(f"cannot write {path}: its suffix must be one of {', '.join(sorted(IMAGE_SUFFIXES))}")
    try:
        Path(path).write_bytes(_encoded(Path(path).suffix.lower(), check_pixels(pixels)))
    except OSError as error:
        raise MediaError(f"cannot write image {path}: {error.strerror}") from error
    except cv2.error as error:
        height, width = pixels.shape[:2]
        raise MediaError(f"cannot write image {path}: its format does not take {height} x {width} pixels") from error


def _encoded(suffix: str, pixels: Pixels) -> bytes:
    """RGB pixels in a format; raises `cv2.error` where it does not take them, whatever OpenCV's version."""
    done, data = cv2.imencode(suffix, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    if not done:
        raise cv2.error(f"{suffix} refused")
    return data.tobytes()
