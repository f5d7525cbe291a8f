"""What is known and shown of results."""

import numpy as np

from foveate.core import Detections, Frame, OffloadPlan, OffloadRecord
from foveate.device import OffloadDone, Tracked
from foveate.device.following import Following
from foveate.device.results import Results
from foveate.device.surroundings import Surroundings

PIXELS = np.zeros((128, 192, 3), np.uint8)


def boxes_at(x):
    return Detections(
        boxes=np.array([[x, 2.0, x + 20, 40.0]], np.float32), scores=[1.0], class_id=[0], class_names=("car",)
    )


def frame(index):
    return Frame(pixels=PIXELS, index=index, captured_at=index / 10)


def results(*, tracks):
    following = Following()
    return Results(0.1, tracks=tracks, following=following, surroundings=Surroundings()), following


def land(it, index, x, *, took_s=0.2):
    record = OffloadRecord(
        offload_id=index,
        frame_index=index,
        started_at=index / 10,
        finished_at=index / 10 + took_s,
        plan=OffloadPlan(),
        payload_bytes=1000,
        encode_s=0.0,
        uplink_s=took_s,
        decode_s=0.0,
        inference_s=0.0,
        downlink_s=0.0,
        rtt_s=0.0,
    )
    it.landed(frame(index), OffloadDone(record=record, captured_at=index / 10, result=boxes_at(x)))


def shown(it, index):
    it.capture(frame(index))
    (displayed,) = it.display(it.due_at)
    return displayed


def test_until_the_first_result_nothing_is_shown_but_the_classes_are_known():
    it, _ = results(tracks=False)
    it.name_classes(("car",))
    assert (shown(it, 0).detections, shown(it, 1).source) == (Detections.empty(("car",)), None)


def test_without_a_tracker_a_result_stands_still():
    it, following = results(tracks=False)
    land(it, 0, 10.0)
    assert (shown(it, 5).detections, shown(it, 6).source.index) == (boxes_at(10.0), 0)
    assert not following.catching_up


def test_with_a_tracker_a_result_is_shown_in_its_own_frame_and_carried_on():
    it, following = results(tracks=True)
    land(it, 4, 10.0)
    assert following.catching_up
    assert shown(it, 4).detections == boxes_at(10.0)
    assert shown(it, 5).source is None
    it.tracked(Tracked(source=frame(4), frame_index=5, detections=boxes_at(12.0), retention=1.0))
    assert shown(it, 6).detections == boxes_at(12.0)


def test_the_result_of_an_older_frame_changes_nothing():
    it, _ = results(tracks=False)
    land(it, 4, 10.0, took_s=0.2)
    land(it, 3, 50.0, took_s=0.5)
    assert (it.latest, it.frame.index) == (boxes_at(10.0), 4)
    assert round(it.latency_s, 9) == 0.2
    assert shown(it, 5).detections == boxes_at(10.0)
