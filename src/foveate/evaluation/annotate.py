"""`annotated.mp4`: the run as its user saw it."""

from collections.abc import Callable
from pathlib import Path

from foveate.codec import VideoWriter
from foveate.core import OffloadRecord
from foveate.device import Clip, draw
from foveate.evaluation.answer_log import AnswerLog, Given
from foveate.evaluation.live_log import LiveLog, Shown
from foveate.network.messages import Welcome


def annotate(
    path: Path, clip: Clip, log: LiveLog, *, welcome: Welcome, policy: str, progress: Callable[[int], None]
) -> None:
    """Draw every displayed frame; one that was dropped leaves the picture before it standing.

    The region map is that of the offload whose result is displayed.
    """
    shown = {frame.frame: frame for frame in log.shown}
    records = {done.record.frame_index: done.record for done in log.succeeded}
    grid = welcome.grid(*clip.size)
    picture = None
    with VideoWriter(path, clip.size, clip.fps) as writer:
        for index, pixels in zip(range(max(shown, default=-1) + 1), clip, strict=False):
            if index in shown:
                frame = shown[index]
                record = None if frame.source_frame is None else records[frame.source_frame]
                mask = None if record is None else record.plan.downsampling_mask
                status = _status(frame, record, policy)
                picture = draw(pixels, frame.detections, grid=grid, mask=mask, status=status)
            writer.write(pixels if picture is None else picture)
            progress(index + 1)


def annotate_answers(path: Path, clip: Clip, log: AnswerLog, *, policy: str, progress: Callable[[int], None]) -> None:
    """Draw every displayed frame of a run of answered frames with the sure boxes of its answer."""
    shown = {frame.frame: frame for frame in log.shown}
    answers = {given.frame: given for given in log.answers}
    threshold = 0.0 if log.welcome is None else log.welcome.score_threshold
    picture = None
    with VideoWriter(path, clip.size, clip.fps) as writer:
        for index, pixels in zip(range(max(shown, default=-1) + 1), clip, strict=False):
            if index in shown:
                frame = shown[index]
                given = None if frame.source_frame is None else answers.get(frame.source_frame)
                status = _answer_status(frame, given, policy)
                picture = draw(pixels, frame.detections.above(threshold), status=status)
            writer.write(pixels if picture is None else picture)
            progress(index + 1)


def _answer_status(frame: Shown, given: Given | None, policy: str) -> str:
    if given is None or frame.staleness_s is None:
        return f"{policy}   frame {frame.frame}   no answer yet"
    qualities = "/".join(map(str, given.qualities))
    return (
        f"{policy}   frame {frame.frame}   answered by {given.made_of} in {1000 * given.latency_s:.0f} ms   "
        f"staleness {1000 * frame.staleness_s:.0f} ms   {given.payload_bytes / 1000:.0f} kB {qualities}"
    )


def _status(frame: Shown, record: OffloadRecord | None, policy: str) -> str:
    if record is None or frame.staleness_s is None:
        return f"{policy}   frame {frame.frame}   no result yet"
    return (
        f"{policy}   frame {frame.frame}   staleness {1000 * frame.staleness_s:.0f} ms   "
        f"latency {1000 * record.e2e_latency_s:.0f} ms   {record.payload_bytes / 1000:.0f} kB"
    )
