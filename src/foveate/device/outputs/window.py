"""Displayed frames in a window of OpenCV."""

import os
import sys
from types import TracebackType
from typing import Self

import cv2

from foveate.core import FoveateError
from foveate.device.drawing import draw
from foveate.device.events import Displayed
from foveate.device.outputs.status import status_line

_ESCAPE = 27
_TITLE = "foveate"


class Window:
    """Context manager; call it with each displayed frame, in the main thread. `closed` after q, Escape or its cross.

    Raises `FoveateError` where this OpenCV has no windows or there is no screen.
    """

    def __init__(self) -> None:
        self.closed = False
        """Whether the user wants no more."""

    def __call__(self, event: Displayed) -> None:
        """Show a frame."""
        if self.closed:
            return
        picture = draw(event.frame.pixels, event.detections, status=status_line(event))
        cv2.imshow(_TITLE, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        pressed = cv2.waitKey(1) & 0xFF
        self.closed = pressed in {ord("q"), _ESCAPE} or cv2.getWindowProperty(_TITLE, cv2.WND_PROP_VISIBLE) < 1

    def __enter__(self) -> Self:
        # Without a screen Qt would end the process.
        if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise FoveateError("a window needs a screen: neither DISPLAY nor WAYLAND_DISPLAY is set")
        try:
            cv2.namedWindow(_TITLE, cv2.WINDOW_NORMAL)
        except cv2.error as error:
            raise FoveateError(
                "this OpenCV has no windows: pip uninstall opencv-python-headless, then pip install opencv-python"
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        cv2.destroyAllWindows()
