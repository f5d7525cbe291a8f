"""Codec, video files, and what draws without a screen."""

import ctypes
import shutil
from collections.abc import Callable
from importlib import metadata
from importlib.util import find_spec

import numpy as np

from foveate.doctor.finding import Finding, Role, missing, present

_GROUP = "media"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def check_media(role: Role) -> list[Finding]:
    """JPEG codec, OpenCV, PyAV, EGL, browser."""
    return [_tried("JPEG", _jpeg), _tried("OpenCV", _opencv), _pyav(role), _egl(), _browser()]


def _tried(what: str, check: Callable[[], str]) -> Finding:
    """A part of the base install: whatever goes wrong in it is a failure."""
    try:
        return present(_GROUP, what, check())
    except Exception as error:  # an import of a broken library may raise anything
        advice = (
            "pip install --force-reinstall -c constraints.txt foveate, and the system library that the message names"
        )
        return missing(_GROUP, what, f"{type(error).__name__}: {error}", advice, needed=True)


def _jpeg() -> str:
    """Encode and decode a small picture."""
    import simplejpeg  # noqa: PLC0415  # may be what is broken

    pixels = np.full((32, 48, 3), 90, np.uint8)
    again = simplejpeg.decode_jpeg(simplejpeg.encode_jpeg(pixels, quality=95))
    if again.shape != pixels.shape or np.abs(again.astype(int) - pixels).max() > 3:
        raise ValueError("a picture does not come back as it was")
    return f"simplejpeg {metadata.version('simplejpeg')}, a picture came back"


def _opencv() -> str:
    import cv2  # noqa: PLC0415  # may be what is broken

    told = cv2.getBuildInformation()
    parts = [name for name in ("FFMPEG", "GStreamer") if _built_with(told, name)]
    return f"{cv2.__version__}, video by {', '.join(parts) or 'none'}"


def _built_with(told: str, name: str) -> bool:
    line = next((line for line in told.splitlines() if line.strip().startswith(f"{name}:")), "")
    return "YES" in line


def _pyav(role: Role) -> Finding:
    advice = "pip install av: it reads clips and writes annotated videos"
    try:
        import av  # noqa: PLC0415  # a device may lack it

        av.codec.Codec("libx264", "w")
    except ImportError:
        return missing(_GROUP, "PyAV", "not installed", advice, needed=role == "server")
    except ValueError:
        return missing(_GROUP, "PyAV", f"{av.__version__} without an H.264 encoder", advice, needed=False)
    return present(_GROUP, "PyAV", f"{av.__version__}, writes H.264")


def _egl() -> Finding:
    advice = "apt-get install libegl1 libgl1-mesa-dri, only to render worlds"
    try:
        ctypes.CDLL("libEGL.so.1")
    except OSError:
        return missing(_GROUP, "EGL", "not found", advice, needed=False)
    if find_spec("vtkmodules") is None:
        return missing(
            _GROUP,
            "EGL",
            "libEGL is here, VTK is not",
            "pip install 'foveate[world]', only to render worlds",
            needed=False,
        )
    return present(_GROUP, "EGL", "libEGL and VTK")


def _browser() -> Finding:
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        return missing(
            _GROUP, "browser", "none", "apt-get install chromium, only for foveate's own tests", needed=False
        )
    return present(_GROUP, "browser", program)
