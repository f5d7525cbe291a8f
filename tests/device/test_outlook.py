"""What a policy is told of the newest frame."""

import numpy as np
import pytest
from tests.welcome import WELCOME

from foveate.core import Frame, OffloadPlan, OffloadRecord
from foveate.device.connection import Connection
from foveate.device.following import Following
from foveate.device.measuring import Measuring
from foveate.device.outlook import Outlook
from foveate.device.results import Results
from foveate.device.surroundings import Surroundings
from foveate.estimators import PerformanceEstimator
from foveate.policies import VitMAlis
from foveate.testing.profiles import round_profile
from foveate.tracking import Motion, reduce

FRAME = Frame(pixels=np.zeros((128, 192, 3), np.uint8), index=9, captured_at=0.9)
RECORD = OffloadRecord(
    offload_id=0,
    frame_index=4,
    started_at=0.4,
    finished_at=0.6,
    plan=OffloadPlan(),
    payload_bytes=10_000,
    encode_s=0.0,
    uplink_s=0.1,
    decode_s=0.0,
    inference_s=0.1,
    downlink_s=0.0,
    rtt_s=0.0,
)


def outlook(*, estimates=True, moved=True):
    surroundings, following = Surroundings(), Following()
    measuring = Measuring(surroundings, Connection())
    measuring.capture(FRAME, reduce(FRAME.pixels))
    if moved:
        measuring.moved(Motion(region_motion=np.full((2, 3), 1 / 6, np.float32), frame_motion=0.3))
    return Outlook(
        VitMAlis(),
        0.1,
        PerformanceEstimator(round_profile()) if estimates else None,
        None,
        results=Results(0.1, tracks=True, following=following, surroundings=surroundings),
        following=following,
        surroundings=surroundings,
        measuring=measuring,
    )


def told(it, offloaded=None):
    return it.state(FRAME, WELCOME, offloaded=offloaded)


def test_before_anything_is_known_a_policy_is_told_of_the_frame_alone():
    state = told(outlook(moved=False))
    assert (state.frame_index, state.grid.shape, state.restoration_points) == (9, (2, 3), range(5))
    assert (state.offloaded_frame, state.result, state.content, state.estimate) == (None, None, None, None)
    assert state.retention == 1


def test_frames_count_from_the_one_sent_last():
    sent = Frame(pixels=FRAME.pixels, index=6, captured_at=0.6)
    assert told(outlook(), offloaded=sent).since_offload_s == pytest.approx(0.3)


def test_estimates_need_the_link_the_content_and_a_profile():
    known, still, bare = outlook(), outlook(moved=False), outlook(estimates=False)
    assert told(known).estimate is None
    for it in (known, still, bare):
        it.landed(RECORD)
    assert told(known).estimate is not None
    assert told(still).estimate is None
    assert told(bare).estimate is None


def test_detail_is_measured_only_where_estimates_read_it():
    assert told(outlook()).content.region_detail is not None
    assert told(outlook(estimates=False)).content.region_detail is None
