"""What the device tells a policy about the content of its newest frame."""

import numpy as np
import pytest

from foveate.core import Detections, Frame, OffloadPlan, OffloadRecord, RegionGrid
from foveate.device import Tracked
from foveate.device.surroundings import Surroundings
from foveate.tracking import Motion, reduce

GRID = RegionGrid(height=128, width=192, window_size=2)
PIXELS = np.random.default_rng(0).integers(0, 256, (128, 192, 3)).astype(np.uint8)
MASK = np.array([[True, True, False], [True, False, False]])
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
    return surroundings.content(GRID, frame_index=frame_index, latest=latest, score_threshold=0.3)


def after_an_offload(frame_index=4):
    it = Surroundings()
    it.motion = MOTION
    it.look(reduce(PIXELS), GRID)
    it.offloaded(frame_index, OffloadPlan(jpeg_quality=80, downsampling_mask=MASK, restoration_point=1), GRID)
    return it


def test_before_any_motion_there_is_no_content():
    assert asked(Surroundings()) is None


def test_a_device_that_does_not_look_has_the_papers_content_alone():
    it = Surroundings()
    it.motion = MOTION
    it.offloaded(0, OffloadPlan(), GRID)
    it.landed(record(0))
    content = asked(it)
    assert (content.region_detail, content.last) == (None, None)
    assert content.frame_motion == 0.3


def test_an_offload_counts_from_its_result_on():
    it = after_an_offload()
    assert asked(it).last is None
    it.landed(record(4))
    last = asked(it).last
    assert last.bytes_per_pixel == pytest.approx(2458 / (128 * 192))
    assert (last.jpeg_quality, last.downsampled_share, last.frames_ago) == (80, 0.5, 5)
    assert last.downsampled_detail == pytest.approx(0.5, abs=0.02)


def test_a_frame_on_its_way_does_not_replace_the_one_that_landed():
    it = after_an_offload()
    it.landed(record(4))
    it.offloaded(7, OffloadPlan(), GRID)
    assert asked(it).last.jpeg_quality == 80


def test_objects_scores_and_retention_are_the_trackers():
    objects = Detections(
        boxes=np.array([[1, 1, 20, 20]], np.float32), scores=np.ones(1), class_id=np.zeros(1), class_names=("car",)
    )
    frame = Frame(pixels=PIXELS, index=4, captured_at=0.0)
    tracked = Tracked(source=frame, frame_index=8, detections=objects, retention=0.5)
    content = asked(after_an_offload(), latest=tracked)
    assert content.objects == objects
    assert (content.retention, content.score_threshold) == (0.5, 0.3)
    assert content.task_relevance.tolist() == [[1, 0, 0], [0, 0, 0]]
