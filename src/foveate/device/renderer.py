"""What the user sees: every frame one frame interval after its capture, with what is ready then."""

from collections import deque

from foveate.core import Detections, Frame
from foveate.device.events import Displayed


class Renderer:
    """Holds captured frames until their display time, and the latest result."""

    def __init__(self, frame_interval_s: float) -> None:
        self._interval_s = frame_interval_s
        self._waiting: deque[Frame] = deque()
        self._detections = Detections.empty(())
        self._source: Frame | None = None
        self._cached: tuple[Frame, Detections] | None = None

    @property
    def due_at(self) -> float | None:
        """When the next frame must be displayed; None if none waits."""
        return self._waiting[0].captured_at + self._interval_s if self._waiting else None

    def capture(self, frame: Frame) -> None:
        """A frame that will be displayed."""
        self._waiting.append(frame)

    def update(self, detections: Detections, source: Frame | None) -> None:
        """From now on these detections are displayed."""
        self._detections, self._source = detections, source

    def cache(self, detections: Detections, source: Frame) -> None:
        """The server's own result for a frame: shown if that very frame is still to be displayed."""
        self._cached = (source, detections)

    def display(self, now: float) -> list[Displayed]:
        """The frames whose time has come."""
        shown = []
        while self.due_at is not None and self.due_at <= now:
            frame = self._waiting.popleft()
            detections, source = self._detections, self._source
            if self._cached is not None and self._cached[0].index == frame.index:
                source, detections = self._cached
            shown.append(Displayed(frame=frame, displayed_at=now, detections=detections, source=source))
        return shown
