"""The result of the freshest frame that has one, and what the user sees of it."""

from foveate.core import Detections, Frame
from foveate.device.events import Displayed, OffloadDone, Tracked
from foveate.device.following import Following
from foveate.device.renderer import Renderer
from foveate.device.surroundings import Surroundings


class Results:
    """Shows every frame with the latest result: as it is, or carried along by the tracker where the device `tracks`.

    A result never replaces that of a fresher frame, neither on the display nor in what the device knows.
    """

    def __init__(
        self, frame_interval_s: float, *, tracks: bool, following: Following, surroundings: Surroundings
    ) -> None:
        self._tracks, self._following, self._surroundings = tracks, following, surroundings
        self._renderer = Renderer(frame_interval_s)
        self.latest: Detections | None = None
        """What the server saw last, boxes in pixels of the frame; None before the first result."""
        self.frame: Frame | None = None
        """The frame in which it saw it."""
        self.latency_s: float | None = None
        """End-to-end latency of that offload."""

    @property
    def due_at(self) -> float | None:
        """When the next frame must be displayed; None if none waits."""
        return self._renderer.due_at

    def capture(self, frame: Frame) -> None:
        """A frame that will be displayed."""
        self._renderer.capture(frame)

    def display(self, now: float) -> list[Displayed]:
        """The frames whose time has come."""
        return self._renderer.display(now)

    def name_classes(self, class_names: tuple[str, ...]) -> None:
        """What will be told apart; shown until the first result, with nothing found."""
        self._renderer.update(Detections.empty(class_names), None)

    def landed(self, frame: Frame, done: OffloadDone) -> None:
        """An offload of `frame` brought a result."""
        assert done.result is not None
        if self.frame is not None and frame.index <= self.frame.index:
            return
        self.latest, self.frame, self.latency_s = done.result, frame, done.record.e2e_latency_s
        self._surroundings.landed(done.record, done.result, frame_height=frame.size[0])
        if self._tracks:
            self._renderer.cache(done.result, frame)
            self._following.landed(frame, done.result)
        else:
            self._renderer.update(done.result, frame)

    def tracked(self, tracked: Tracked) -> None:
        """The tracker carried a result on."""
        self._following.tracked(tracked)
        self._renderer.update(tracked.detections, tracked.source)
