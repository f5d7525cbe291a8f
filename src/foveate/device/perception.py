"""What a device computes about its own frames: motion and tracking, as the session asks for them."""

from foveate.core import RegionGrid
from foveate.device.events import MotionWork, Tracked, TrackWork
from foveate.tracking import LocalTracker, Motion, MotionAnalyser, Tracker


class Perception:
    """Carries out `MotionWork` and `TrackWork`; the two may run in different threads, each in one at a time."""

    def __init__(self, tracker: LocalTracker | None = None) -> None:
        self._tracker = Tracker() if tracker is None else tracker
        self._analyser: MotionAnalyser | None = None
        self._grid: RegionGrid | None = None

    def measure(self, work: MotionWork) -> Motion:
        """Motion of the next frame; a new grid starts a new background."""
        if self._analyser is None or self._grid != work.grid:
            self._analyser, self._grid = MotionAnalyser(work.grid), work.grid
        return self._analyser.update(work.seen.grey)

    def track(self, work: TrackWork) -> Tracked:
        """Start or go on with the objects at hand, to the last of the frames."""
        frames = [seen.grey for seen in work.frames]
        if work.restart is None:
            self._tracker.catch_up(frames)
        else:
            self._tracker.restart(work.restart, frames[0])
            self._tracker.catch_up(frames[1:])
        return Tracked(
            source=work.source,
            frame_index=work.frames[-1].index,
            detections=self._tracker.detections(),
            retention=self._tracker.retention,
        )
