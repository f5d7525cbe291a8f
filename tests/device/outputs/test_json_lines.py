import io
import json

import numpy as np

from foveate.core import Detections, Frame
from foveate.device import Displayed, JsonLines

FOUND = Detections(
    boxes=np.array([[1.04, 2, 30, 40]]),
    scores=np.array([0.91234]),
    class_id=np.array([1]),
    class_names=("person", "car"),
)


def shown(index, *, source=None):
    frame = Frame(pixels=np.zeros((8, 8, 3), np.uint8), index=index, captured_at=50 + index / 10)
    detections = FOUND if source else Detections.empty(())
    return Displayed(frame=frame, displayed_at=50.1 + index / 10, detections=detections, source=source)


def test_each_frame_is_a_line_that_is_there_at_once():
    stream = io.StringIO()
    lines = JsonLines(stream)
    lines(shown(3))
    assert json.loads(stream.getvalue()) == {
        "frame": 3,
        "time_s": 0.0,
        "source_frame": None,
        "staleness_s": None,
        "objects": [],
    }
    lines(shown(5, source=shown(3).frame))
    assert json.loads(stream.getvalue().splitlines()[1]) == {
        "frame": 5,
        "time_s": 0.2,
        "source_frame": 3,
        "staleness_s": 0.3,
        "objects": [{"class": "car", "score": 0.912, "box": [1.0, 2.0, 30.0, 40.0]}],
    }
    assert not lines.closed


def test_a_reader_who_left_is_noted_and_no_error():
    class Left(io.StringIO):
        def flush(self):
            raise BrokenPipeError

    lines = JsonLines(Left())
    lines(shown(0))
    lines(shown(1))
    assert lines.closed
