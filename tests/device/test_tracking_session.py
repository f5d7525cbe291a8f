"""The session of a device that tracks: who works when, and what is displayed meanwhile."""

import msgspec
import numpy as np
import pytest
from tests.welcome import NAMES, WELCOME

from foveate.codec import EncodedFrame
from foveate.core import Detections, Frame, InputError
from foveate.device import DecideWork, DeviceSession, Displayed, EncodeWork, MotionWork, Tracked, TrackWork
from foveate.estimators import PerformanceEstimator
from foveate.network.messages import Ack, Result, Stranger, encode
from foveate.policies import TrackB2B, TrackRoI, TrackUD, VitMAlis
from foveate.testing.profiles import round_profile
from foveate.tracking import Motion, reduce

INTERVAL_S = 0.1
PIXELS = np.zeros((128, 192, 3), np.uint8)


def boxes_at(x):
    return Detections(
        boxes=np.array([[x, 2.0, x + 20, 40.0]], np.float32), scores=np.ones(1), class_id=np.zeros(1), class_names=NAMES
    )


class Bench:
    """A session whose work the test does by hand; decisions are made at once unless asked otherwise."""

    def __init__(self, policy=None, *, decide_at_once=True, **options):
        self.session = DeviceSession(policy=policy or TrackB2B(), frame_interval_s=INTERVAL_S, **options)
        self.decide_at_once = decide_at_once
        self.take(self.session.receive(encode(WELCOME), 0.0), 0.0)

    def take(self, events, now):
        made = list(events)
        if self.decide_at_once:
            for event in events:
                if isinstance(event, DecideWork):
                    made += self.take(self.session.decide(now), now)
        return made

    def capture(self, index, now):
        frame = Frame(pixels=PIXELS, index=index, captured_at=now)
        return self.take(self.session.capture(frame, now, reduce(PIXELS)), now)

    def offload(self, work, now):
        self.take(self.session.encoded(work.offload_id, EncodedFrame(full=bytes(100)), now), now)
        self.take(self.session.receive(encode(Ack(offload_id=work.offload_id)), now), now)

    def result(self, offload_id, x, now):
        message = Result.of(boxes_at(x), offload_id=offload_id, decode_s=0.0, inference_s=0.0)
        return self.take(self.session.receive(encode(message), now), now)

    def tracked(self, work, x, now, *, retention=1.0):
        done = Tracked(
            source=work.source, frame_index=work.frames[-1].index, detections=boxes_at(x), retention=retention
        )
        return self.take(self.session.tracked(done, now), now)

    def moved(self, now, motion=None):
        shares = np.full((2, 3), 1 / 6, np.float32) if motion is None else motion
        return self.take(self.session.moved(Motion(region_motion=shares, frame_motion=0.1), now), now)


def only(kind, events):
    found = [event for event in events if isinstance(event, kind)]
    assert len(found) == 1, events
    return found[0]


def none_of(kind, events):
    assert not [event for event in events if isinstance(event, kind)], events


def started():
    """Frames 0 to 3 captured, frame 0 offloaded, nothing tracked yet."""
    bench = Bench()
    bench.offload(only(EncodeWork, bench.capture(0, 0.0)), 0.01)
    for index in (1, 2, 3):
        none_of(TrackWork, bench.capture(index, 0.1 * index))
    return bench


def test_a_result_restarts_the_tracker_and_catches_up_before_the_next_offload():
    bench = started()
    events = bench.result(0, 10.0, 0.35)
    work = only(TrackWork, events)
    assert [seen.index for seen in work.frames] == [0, 1, 2, 3]
    assert work.restart == boxes_at(10.0)
    none_of(EncodeWork, events)
    assert only(EncodeWork, bench.tracked(work, 16.0, 0.36)).frame.index == 3


def test_frames_that_come_while_the_tracker_works_are_tracked_together():
    bench = started()
    work = only(TrackWork, bench.result(0, 10.0, 0.35))
    none_of(TrackWork, bench.capture(4, 0.4))
    none_of(TrackWork, bench.capture(5, 0.5))
    nxt = only(TrackWork, bench.tracked(work, 16.0, 0.55))
    assert nxt.restart is None
    assert [seen.index for seen in nxt.frames] == [4, 5]


def test_a_newer_result_restarts_from_its_own_frame():
    bench = started()
    work = only(TrackWork, bench.result(0, 10.0, 0.35))
    offload = only(EncodeWork, bench.tracked(work, 16.0, 0.36))
    bench.offload(offload, 0.37)
    step = only(TrackWork, bench.capture(4, 0.4))
    none_of(TrackWork, bench.result(offload.offload_id, 50.0, 0.41))
    restart = only(TrackWork, bench.tracked(step, 18.0, 0.42))
    assert [seen.index for seen in restart.frames] == [3, 4]
    assert restart.restart == boxes_at(50.0)
    assert restart.source.index == 3


def test_tracked_boxes_are_displayed_and_a_result_of_the_very_frame_is_preferred():
    bench = started()
    events = bench.result(0, 10.0, 0.35)
    work = only(TrackWork, events)
    bench.tracked(work, 16.0, 0.36)
    shown = only(Displayed, bench.take(bench.session.advance(0.4), 0.4))
    assert (shown.frame.index, shown.detections) == (3, boxes_at(16.0))
    assert shown.source.index == 0


def test_a_result_in_time_is_displayed_for_its_own_frame():
    bench = Bench()
    bench.offload(only(EncodeWork, bench.capture(0, 0.0)), 0.01)
    bench.result(0, 10.0, 0.05)
    shown = only(Displayed, bench.take(bench.session.advance(0.1), 0.1))
    assert (shown.frame.index, shown.detections) == (0, boxes_at(10.0))


def test_motion_is_measured_of_the_newest_frame_one_at_a_time():
    bench = Bench()
    first = only(MotionWork, bench.capture(0, 0.0))
    assert first.seen.index == 0
    none_of(MotionWork, bench.capture(1, 0.1))
    none_of(MotionWork, bench.capture(2, 0.2))
    assert only(MotionWork, bench.moved(0.25)).seen.index == 2
    none_of(MotionWork, bench.moved(0.3))


def test_a_decision_takes_the_frame_that_is_newest_when_it_is_made():
    bench = Bench(decide_at_once=False)
    only(DecideWork, bench.capture(0, 0.0))
    none_of(DecideWork, bench.capture(1, 0.1))
    assert only(EncodeWork, bench.session.decide(0.12)).frame.index == 1


def test_a_halved_frame_is_an_image_of_its_own_and_its_boxes_are_scaled_back():
    bench = Bench(TrackUD(threshold_s=0.2))
    first = only(EncodeWork, bench.capture(0, 0.0))
    bench.offload(first, 0.01)
    bench.capture(1, 0.5)
    work = only(TrackWork, bench.result(0, 10.0, 0.6))
    slow = only(EncodeWork, bench.tracked(work, 10.0, 0.61))
    assert (slow.grid.height, slow.grid.width) == (64, 96)
    bench.offload(slow, 0.62)
    back = only(TrackWork, bench.result(slow.offload_id, 10.0, 0.7))
    assert np.allclose(back.restart.boxes, boxes_at(10.0).boxes * 2)


def test_a_policy_sees_motion_relevance_and_retention():
    bench = Bench(TrackRoI(), decide_at_once=True)
    bench.offload(only(EncodeWork, bench.capture(0, 0.0)), 0.01)
    moving = np.zeros((2, 3), np.float32)
    moving[0, 0] = 1
    bench.moved(0.02, moving)
    bench.capture(1, 0.1)
    work = only(TrackWork, bench.result(0, 10.0, 0.15))
    plan = only(EncodeWork, bench.tracked(work, 12.0, 0.16)).plan
    assert plan.blank_mask.tolist() == [[False, True, True], [True, True, True]]


def test_a_policy_that_needs_a_profile_is_refused_without():
    with pytest.raises(InputError, match="vitmalis needs a profile"):
        DeviceSession(policy=VitMAlis(), frame_interval_s=INTERVAL_S)


def test_after_a_lost_offload_tracking_goes_on_and_the_next_frame_is_sent():
    bench = Bench(offload_timeout_s=0.3)
    bench.offload(only(EncodeWork, bench.capture(0, 0.0)), 0.01)
    work = only(TrackWork, bench.result(0, 10.0, 0.05))
    bench.tracked(work, 10.0, 0.06)
    lost = only(EncodeWork, bench.capture(1, 0.1))
    assert lost.frame.index == 1
    step = bench.session  # the tracker follows frame 1 while the offload is on its way
    events = bench.take(step.advance(0.45), 0.45)
    none_of(TrackWork, events)
    nxt = bench.capture(2, 0.5)
    assert only(EncodeWork, nxt).frame.index == 2


def test_a_server_that_comes_back_with_another_model_is_used_though_motion_was_measured_for_the_old_one():
    bench = Bench(TrackRoI())
    bench.capture(0, 0.0)
    bench.moved(0.01)
    bench.take(bench.session.receive(encode(Stranger()), 0.02), 0.02)
    bench.capture(1, 0.1)
    other = msgspec.structs.replace(WELCOME, model="other", window_size=4)
    work = only(EncodeWork, bench.take(bench.session.receive(encode(other), 0.15), 0.15))
    assert work.grid.shape == (1, 2)
    bench.moved(0.16)  # of the old model's six regions: it was begun before
    bench.offload(work, 0.17)
    bench.capture(2, 0.2)
    tracking = only(TrackWork, bench.result(work.offload_id, 10.0, 0.25))
    assert only(EncodeWork, bench.tracked(tracking, 10.0, 0.26)).grid.shape == (1, 2)


def landed_at(bench, rates_bps):
    """One offload after the other; the link gives each its rate."""
    now, index = 0.0, 0
    for rate in rates_bps:
        events = bench.capture(index, now)
        work = only(EncodeWork, events)
        for step in [event for event in events if isinstance(event, TrackWork)]:
            bench.take(bench.session.tracked(seen_all(step), now), now)
        bench.take(bench.session.encoded(work.offload_id, EncodedFrame(full=bytes(10_000)), now), now)
        now += 80_000 / rate
        bench.take(bench.session.receive(encode(Ack(offload_id=work.offload_id)), now), now)
        track = only(TrackWork, bench.result(work.offload_id, 10.0, now))
        bench.take(bench.session.tracked(seen_all(track), now), now)
        index, now = index + 1, now + 0.1
    return bench.session


def seen_all(work):
    return Tracked(source=work.source, frame_index=work.frames[-1].index, detections=boxes_at(10.0), retention=1.0)


@pytest.mark.parametrize(("link", "expected"), [("mean", 3e6), ("harmonic", 3 / (1 / 1e6 + 1 / 2e6 + 1 / 4e6))])
def test_the_policy_says_how_the_link_is_expected(link, expected):
    bench = Bench(VitMAlis(link=link), estimator=PerformanceEstimator(round_profile()))
    session = landed_at(bench, [1e6, 2e6, 4e6])
    assert session._outlook._link.state().throughput_bps == pytest.approx(expected, rel=1e-3)
