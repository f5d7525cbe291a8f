"""Gives answers to frames that are owed one, shows the newest, and remembers the latest few."""

from collections import deque

from foveate.core import Detections, Frame, Look, join_detections
from foveate.device.events import Displayed
from foveate.device.owed import Answered, MadeOf, Owed, inside
from foveate.device.renderer import Renderer
from foveate.metrics import EnsembleOptions, ensemble
from foveate.policies.answering import Fusion

HISTORY = 4
"""Answers that policies are told of."""


class Answers:
    """What has been said. `fusion`: how both results make one answer; None = the cloud's result is the answer."""

    def __init__(self, *, frame_interval_s: float, fusion: Fusion | None) -> None:
        self.class_names: tuple[str, ...] = ()
        """Of an answer that knows nothing."""
        self._fusion = fusion
        self._renderer = Renderer(frame_interval_s)
        self._latest: deque[tuple[int, Detections]] = deque(maxlen=HISTORY)

    @property
    def fuses(self) -> bool:
        """Whether an answer is made of both results where both are there."""
        return self._fusion is not None

    @property
    def due_at(self) -> float | None:
        """When the next frame must be displayed; None if none waits."""
        return self._renderer.due_at

    @property
    def latest(self) -> tuple[tuple[int, Detections], ...]:
        """The last few with the index of their frames, the newest frame last."""
        return tuple(self._latest)

    def capture(self, frame: Frame) -> None:
        """A frame that will be displayed, whether it is answered or not."""
        self._renderer.capture(frame)

    def display(self, now: float) -> list[Displayed]:
        """The frames whose time has come, with the newest answer."""
        return self._renderer.display(now)

    def with_cloud(self, owed: Owed, cloud: Detections, now: float) -> Answered:
        """Of both results, or the cloud's."""
        if self._fusion is None or owed.look is None:
            return self._give(owed, cloud, "cloud", now)
        weights = EnsembleOptions(device_weight=self._fusion.device, cloud_weight=self._fusion.cloud)
        return self._give(owed, ensemble(owed.look.detections, cloud, weights), "both", now)

    def by_device(self, owed: Owed, look: Look, now: float) -> Answered:
        """The device's result, with the last answer where the device did not look."""
        found = look.detections
        if owed.look_plan.kept and self._latest:
            found = join_detections([found, inside(self._latest[-1][1], owed.look_plan.kept)])
        return self._give(owed, found, "device", now)

    def kept(self, owed: Owed, now: float) -> Answered:
        """The last answer once more; an empty one before the first."""
        if not self._latest:
            return self._give(owed, Detections.empty(self.class_names), "nothing", now)
        return self._give(owed, self._latest[-1][1], "kept", now)

    def _give(self, owed: Owed, detections: Detections, made_of: MadeOf, now: float) -> Answered:
        own = made_of in ("both", "cloud", "device")
        if own and not (self._latest and self._latest[-1][0] > owed.frame.index):
            # A pipelined frame may be answered after a newer one: what is shown never goes back.
            self._renderer.update(detections, owed.frame)
            self._latest.append((owed.frame.index, detections))
        valid = own and not owed.missed(now)
        return owed.answered(detections, made_of=made_of, valid=valid, now=now)
