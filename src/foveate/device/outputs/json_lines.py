"""Displayed frames as JSON lines."""

import json
from typing import Any, Protocol

from foveate.core import Detections
from foveate.device.events import Displayed


class LineStream(Protocol):
    """Where lines go: an open text file, a `LinePipe`, a `PatientFile`."""

    def write(self, line: str, /) -> object:
        """Take a line."""
        ...

    def flush(self) -> None:
        """Hand it on at once."""
        ...


class JsonLines:
    """Writes one line per displayed frame, each at once. `closed` turns true when nobody reads the stream any more."""

    def __init__(self, stream: LineStream) -> None:
        self.closed = False
        """Whether the reader has left."""
        self._stream = stream
        self._started_at: float | None = None

    def __call__(self, event: Displayed) -> None:
        """Write a frame."""
        if self._started_at is None:
            self._started_at = event.frame.captured_at
        if self.closed:
            return
        try:
            self._stream.write(json.dumps(frame_line(event, started_at=self._started_at)) + "\n")
            self._stream.flush()
        except BrokenPipeError:
            self.closed = True


def frame_line(event: Displayed, *, started_at: float) -> dict[str, Any]:
    """A displayed frame; times in seconds, `time_s` its capture since `started_at`; boxes xyxy in its pixels."""
    return {
        "frame": event.frame.index,
        "time_s": round(event.frame.captured_at - started_at, 4),
        "source_frame": None if event.source is None else event.source.index,
        "staleness_s": None if event.staleness_s is None else round(event.staleness_s, 4),
        "objects": _objects(event.detections),
    }


def _objects(found: Detections) -> list[dict[str, Any]]:
    return [
        {"class": found.class_names[k], "score": round(float(score), 3), "box": [round(float(v), 1) for v in box]}
        for box, score, k in zip(found.boxes, found.scores, found.class_id, strict=True)
    ]
