"""What every local tracker keeps to."""

import numpy as np
import pytest

from foveate.core import Detections
from foveate.tracking import LocalTracker, NoTracker, Tracker, reduce

SIZES = [(720, 1280), (1280, 720), (2160, 3840), (479, 853), (12, 12)]


@pytest.fixture(params=[Tracker, NoTracker])
def tracker(request) -> LocalTracker:
    return request.param()


def test_before_the_first_result_there_is_nothing(tracker, view):
    tracker.advance(reduce(view()))
    tracker.catch_up([])
    assert len(tracker.detections()) == 0
    assert tracker.retention == 1


@pytest.mark.parametrize("size", SIZES)
def test_at_its_own_frame_a_result_is_shown_as_it_came(tracker, found, view, size):
    height, width = size
    result = found((0, 0, width, height), (0.1 * width, 0.2 * height, 0.3 * width, 0.9 * height))
    tracker.restart(result, reduce(view(size=size)))
    shown = tracker.detections()
    assert np.allclose(shown.boxes, result.boxes, rtol=1e-6)
    assert shown.scores.tolist() == result.scores.tolist()
    assert shown.class_id.tolist() == result.class_id.tolist()
    assert shown.class_names == result.class_names
    assert tracker.retention == 1


def test_a_result_without_objects_keeps_its_classes_and_loses_nothing(tracker, view):
    tracker.restart(Detections.empty(("person", "car")), reduce(view()))
    tracker.advance(reduce(view(5, 5)))
    assert tracker.detections() == Detections.empty(("person", "car"))
    assert tracker.retention == 1


def test_a_new_result_replaces_the_old_one(tracker, found, view):
    tracker.restart(found((100, 100, 300, 400)), reduce(view()))
    tracker.advance(reduce(view(4, 0)))
    newer = found((500, 100, 700, 300), (50, 50, 90, 90))
    tracker.restart(newer, reduce(view(8, 0)))
    assert tracker.detections() == newer


def test_the_same_frames_give_the_same_boxes(tracker, found, view):
    frames = [reduce(view(3 * k, -2 * k, 1 + 0.01 * k)) for k in range(6)]
    runs = []
    for _ in range(2):
        tracker.restart(found((100, 100, 300, 400), (600, 300, 640, 380)), frames[0])
        tracker.catch_up(frames[1:])
        runs.append(tracker.detections())
    assert runs[0] == runs[1]
