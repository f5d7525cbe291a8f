"""What the device tells a policy about the content of its newest frame."""

import numpy as np
import pytest

from foveate.core import Detections, Frame, OffloadPlan, OffloadRecord, RegionGrid
from foveate.device import Tracked
from foveate.device.surroundings import AGREEMENTS, Surroundings
from foveate.tracking import Motion, reduce

GRID = RegionGrid(height=128, width=192, window_size=2)
PIXELS = np.random.default_rng(0).integers(0, 256, (128, 192, 3)).astype(np.uint8)
MASK = np.array([[True, True, False], [True, False, False]])
NOTHING = Detections.empty(("car",))
MOTION = Motion(region_motion=np.full((2, 3), 1 / 6, np.float32), frame_motion=0.3)


def record(frame_index, payload_bytes=2458):
    return OffloadRecord(
        offload_id=0,
        frame_index=frame_index,
        started_at=0.0,
        finished_at=0.2,
        plan=OffloadPlan(),
        payload_bytes=payload_bytes,
        encode_s=0.0,
        uplink_s=0.1,
        decode_s=0.0,
        inference_s=0.1,
        downlink_s=0.0,
        rtt_s=0.0,
    )


def asked(surroundings, frame_index=9, latest=None):
    return surroundings.content(GRID, frame_index=frame_index, latest=latest)


def frame(index):
    return Frame(pixels=PIXELS, index=index, captured_at=100 + index / 10)


def after_an_offload(frame_index=4):
    it = Surroundings()
    it.motion = MOTION
    it.look(reduce(PIXELS), GRID)
    it.offloaded(frame(frame_index), OffloadPlan(jpeg_quality=80, downsampling_mask=MASK, restoration_point=1), GRID)
    return it


def test_before_any_motion_there_is_no_content():
    assert asked(Surroundings()) is None


def test_a_device_that_does_not_look_has_the_papers_content_alone():
    it = Surroundings()
    it.motion = MOTION
    it.offloaded(frame(0), OffloadPlan(), GRID)
    it.landed(record(0), NOTHING, frame_height=128)
    content = asked(it)
    assert (content.region_detail, content.last) == (None, None)
    assert content.frame_motion == 0.3


def test_an_offload_counts_from_its_result_on():
    it = after_an_offload()
    assert asked(it).last is None
    it.landed(record(4), NOTHING, frame_height=128)
    last = asked(it).last
    assert last.bytes_per_pixel == pytest.approx(2458 / (128 * 192))
    assert (last.jpeg_quality, last.downsampled_share, last.frames_ago) == (80, 0.5, 5)
    assert last.downsampled_detail == pytest.approx(0.5, abs=0.02)


def test_a_smaller_frame_counts_as_downsampled_everywhere():
    it = after_an_offload(3)
    it.offloaded(frame(4), OffloadPlan(frame_scale=0.75), GRID)
    it.landed(record(4), NOTHING, frame_height=128)
    last = asked(it).last
    assert last.bytes_per_pixel == pytest.approx(2458 / (128 * 192))  # over those of the camera's frame
    assert (last.downsampled_share, last.downsampled_detail) == pytest.approx((7 / 12, 7 / 12))


def test_a_frame_on_its_way_does_not_replace_the_one_that_landed():
    it = after_an_offload()
    it.landed(record(4), NOTHING, frame_height=128)
    it.offloaded(frame(7), OffloadPlan(), GRID)
    assert asked(it).last.jpeg_quality == 80


def boxes(*left):
    return Detections(
        boxes=np.array([[x, 1, x + 20, 21] for x in left], np.float32),
        scores=np.ones(len(left)),
        class_id=np.zeros(len(left)),
        class_names=("car",),
    )


def tracked(objects, frame_index=8):
    return Tracked(source=frame(4), frame_index=frame_index, detections=objects, retention=0.5)


def test_agreement_is_that_of_results_with_what_the_tracker_showed_there():
    it = after_an_offload()
    it.landed(record(4), boxes(0, 50), frame_height=128)
    assert asked(it).agreement is None  # nothing was shown in frame 4
    for index, (shown, result) in enumerate([(boxes(0, 50), boxes(0, 50)), (boxes(0, 50), boxes(0, 90))], 5):
        it.offloaded(frame(index), OffloadPlan(), GRID, tracked(shown))
        it.landed(record(index), result, frame_height=128)
    assert asked(it).agreement == pytest.approx((1 + 0.5) / 2)


def test_only_the_latest_agreements_count():
    it = after_an_offload()
    for index, result in enumerate([boxes(90)] + [boxes(0)] * AGREEMENTS, 5):
        it.offloaded(frame(index), OffloadPlan(), GRID, tracked(boxes(0)))
        it.landed(record(index), result, frame_height=128)
    assert asked(it).agreement == 1


def test_the_faster_what_is_shown_falls_behind_the_higher_the_rate():
    calm, busy = after_an_offload(), after_an_offload()
    untouched = asked(calm).fading_per_s
    for index in range(5, 8):
        for it, result in ((calm, boxes(0, 50)), (busy, boxes(0, 90))):
            it.offloaded(frame(index), OffloadPlan(), GRID, tracked(boxes(0, 50)))
            it.landed(record(index), result, frame_height=128)
    assert asked(calm).fading_per_s < untouched < asked(busy).fading_per_s


def test_objects_are_the_trackers():
    content = asked(after_an_offload(), latest=tracked(boxes(1)))
    assert content.objects == boxes(1)
    assert content.task_relevance.tolist() == [[1, 0, 0], [0, 0, 0]]
