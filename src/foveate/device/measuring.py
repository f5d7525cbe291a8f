"""What is measured of the newest frame: its motion, by whoever has time for it; its detail, for a decision about it."""

from foveate.core import Frame, RegionGrid
from foveate.device.connection import Connection
from foveate.device.events import MotionWork, Seen
from foveate.device.surroundings import Surroundings
from foveate.tracking import GreyPair, Motion


class Measuring:
    """Hands out `MotionWork`, one at a time: frames that come meanwhile are passed over for the newest.

    What comes of it is kept in `surroundings`.
    """

    def __init__(self, surroundings: Surroundings, connection: Connection) -> None:
        self._surroundings, self._connection = surroundings, connection
        self._newest: GreyPair | None = None
        self._waiting: tuple[Frame, GreyPair] | None = None
        self._running = False

    def capture(self, frame: Frame, grey: GreyPair) -> None:
        """A new frame of the camera."""
        self._newest, self._waiting = grey, (frame, grey)

    def next_work(self) -> MotionWork | None:
        """What should be measured now, if nobody is at it and the server has said what its regions are."""
        if self._waiting is None or self._running or self._connection.welcome is None:
            return None
        (frame, grey), self._waiting, self._running = self._waiting, None, True
        return MotionWork(seen=Seen(index=frame.index, grey=grey), grid=self._connection.grid(frame))

    def moved(self, motion: Motion) -> None:
        """The work handed out last is done."""
        self._surroundings.motion, self._running = motion, False

    def look(self, grid: RegionGrid) -> None:
        """Measure the detail of the newest frame, at once."""
        if self._newest is not None:
            self._surroundings.look(self._newest, grid)
