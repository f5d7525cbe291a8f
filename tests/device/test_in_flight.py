"""Two offloads on their way: the server sees one frame while the uplink carries the next."""

import numpy as np
import pytest
from tests.welcome import NAMES, WELCOME

from foveate.codec import EncodedFrame
from foveate.core import Detections, Frame, InputError
from foveate.device import DecideWork, DeviceSession, Displayed, EncodeWork, OffloadDone, Tracked, TrackWork
from foveate.estimators import PerformanceEstimator
from foveate.network.messages import Ack, Failure, Ping, Pong, Result, decode_from_device, encode
from foveate.policies import VitMAlis, by_name
from foveate.testing.profiles import round_profile
from foveate.tracking import Motion, reduce

PIXELS = np.random.default_rng(0).integers(0, 256, (128, 192, 3)).astype(np.uint8)


def boxes_at(x):
    return Detections(
        boxes=np.array([[x, 2.0, x + 20, 40.0]], np.float32), scores=np.ones(1), class_id=np.zeros(1), class_names=NAMES
    )


class Bench:
    """A session whose tracker, motion analysis and decisions take no time; a frame every 0.1 s."""

    def __init__(self, in_flight=2, **options):
        self.session = DeviceSession(
            policy=VitMAlis(in_flight=in_flight),
            frame_interval_s=0.1,
            estimator=PerformanceEstimator(round_profile()),
            **options,
        )
        self.events, self.frames = [], 0
        self.receive(WELCOME, 0.0)

    def take(self, events, now):
        self.events += events
        for event in events:
            match event:
                case DecideWork():
                    self.take(self.session.decide(now), now)
                case TrackWork():
                    done = Tracked(
                        source=event.source,
                        frame_index=event.frames[-1].index,
                        detections=boxes_at(10.0) if event.restart is None else event.restart,
                        retention=1.0,
                    )
                    self.take(self.session.tracked(done, now), now)

    def capture(self, now):
        frame = Frame(pixels=PIXELS, index=self.frames, captured_at=now)
        self.frames += 1
        self.take(self.session.capture(frame, now, reduce(PIXELS)), now)
        self.take(
            self.session.moved(Motion(region_motion=np.full((2, 3), 1 / 6, np.float32), frame_motion=0.1), now), now
        )

    def receive(self, message, now):
        self.take(self.session.receive(encode(message), now), now)

    def sent(self, offload_id, now):
        self.take(self.session.encoded(offload_id, EncodedFrame(full=bytes(1000)), now), now)

    def held(self, offload_id, now):
        """Sent, and acknowledged at once."""
        self.sent(offload_id, now)
        self.receive(Ack(offload_id=offload_id), now)

    def result(self, offload_id, x, now):
        self.receive(Result.of(boxes_at(x), offload_id=offload_id, decode_s=0.0, inference_s=0.0), now)

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def offloaded(self):
        """Frames that were to be sent, in order."""
        return [work.frame.index for work in self.of(EncodeWork)]

    @property
    def ended(self):
        """Id and reason of each offload that ended."""
        return [(event.record.offload_id, event.reason) for event in self.of(OffloadDone)]


def both_held():
    """Frames 0 and 1 wait for their results; frames up to 3 were captured."""
    bench = Bench()
    bench.capture(0.0)
    bench.held(0, 0.01)
    bench.capture(0.1)
    bench.held(1, 0.11)
    bench.capture(0.2)
    bench.capture(0.3)
    return bench


def test_the_next_frame_leaves_when_the_server_holds_the_last_one_and_not_before():
    bench = Bench()
    bench.capture(0.0)
    bench.sent(0, 0.01)
    bench.capture(0.1)
    assert bench.offloaded == [0]
    bench.receive(Ack(offload_id=0), 0.15)
    assert bench.offloaded == [0, 1]


def test_with_one_in_flight_it_waits_for_the_result():
    bench = Bench(in_flight=1)
    bench.capture(0.0)
    bench.held(0, 0.01)
    bench.capture(0.1)
    assert bench.offloaded == [0]


def test_there_are_never_more_than_two():
    bench = both_held()
    assert bench.offloaded == [0, 1]
    bench.result(0, 10.0, 0.35)
    assert bench.offloaded == [0, 1, 3]


def test_each_result_is_carried_to_the_present_from_its_own_frame():
    bench = both_held()
    bench.result(0, 10.0, 0.35)
    bench.result(1, 50.0, 0.36)
    restarts = [work for work in bench.of(TrackWork) if work.restart is not None]
    assert [[seen.index for seen in work.frames] for work in restarts] == [[0, 1, 2, 3], [1, 2, 3]]
    assert [work.restart for work in restarts] == [boxes_at(10.0), boxes_at(50.0)]


def test_a_result_that_was_overtaken_is_told_of_and_changes_nothing():
    bench = both_held()
    bench.result(1, 50.0, 0.35)
    works = len(bench.of(TrackWork))
    bench.result(0, 10.0, 0.36)
    assert len(bench.of(TrackWork)) == works
    assert bench.ended == [(1, ""), (0, "")]
    bench.take(bench.session.advance(0.4), 0.4)
    assert bench.of(Displayed)[-1].detections == boxes_at(50.0)
    assert bench.of(Displayed)[-1].source.index == 1


def test_the_tracker_can_start_from_a_frame_that_a_failure_beside_it_left_waiting():
    bench = both_held()
    bench.receive(Failure(offload_id=0, text="superseded"), 0.32)
    assert bench.ended == [(0, "superseded")]
    bench.result(1, 50.0, 0.35)
    assert [seen.index for seen in bench.of(TrackWork)[-1].frames] == [1, 2, 3]


def test_after_a_failure_there_is_but_one_until_a_result_comes():
    """A server that is slow keeps the newest waiting: each further frame would but replace the last."""
    bench = Bench(offload_timeout_s=1.0)
    bench.capture(0.0)
    bench.held(0, 0.01)
    bench.capture(0.4)
    bench.held(1, 0.41)
    bench.capture(1.1)  # the first is given up
    assert (bench.ended, bench.offloaded) == ([(0, "no result within 1 s")], [0, 1])
    bench.capture(1.2)
    assert bench.offloaded == [0, 1]
    bench.result(1, 10.0, 1.25)
    bench.held(2, 1.26)
    bench.capture(1.3)
    assert bench.offloaded == [0, 1, 3, 4]


def test_each_is_given_up_at_its_own_time():
    bench = Bench(offload_timeout_s=1.0)
    bench.capture(0.0)
    bench.held(0, 0.01)
    bench.capture(0.4)
    bench.held(1, 0.41)
    bench.take(bench.session.advance(1.1), 1.1)
    assert bench.ended == [(0, "no result within 1 s")]
    assert not bench.session.finished
    bench.take(bench.session.advance(1.4), 1.4)
    assert [offload_id for offload_id, _ in bench.ended] == [0, 1]


def test_the_end_of_the_connection_ends_both():
    bench = both_held()
    bench.take(bench.session.disconnected("gone", 0.4), 0.4)
    assert bench.ended == [(0, "gone"), (1, "gone")]


def test_a_heartbeat_that_overtakes_a_frame_ends_that_one_alone():
    bench = Bench()
    bench.capture(0.0)
    bench.held(0, 0.01)
    bench.capture(0.1)
    bench.sent(1, 0.11)
    bench.take(bench.session.advance(2.0), 2.0)
    pings = [decode_from_device(e.payload) for e in bench.events if getattr(e, "payload", None) is not None]
    last = [message for message in pings if isinstance(message, Ping)][-1]
    bench.receive(Pong(number=last.number), 2.01)
    assert bench.ended == [(1, "the frame was lost on its way")]


def test_what_is_known_of_an_offload_is_not_lost_to_the_next_one():
    """With both always on their way, estimators would never read of a last offload."""
    bench = both_held()
    bench.result(0, 10.0, 0.35)
    frame = Frame(pixels=PIXELS, index=9, captured_at=0.9)
    content = bench.session._outlook.state(frame, WELCOME, offloaded=None).content
    assert content.last.frames_ago == 9


@pytest.mark.parametrize("text", ["vitmalis:in_flight=0", "roi-opt:in_flight=3"])
def test_a_server_keeps_but_one_waiting(text):
    with pytest.raises(InputError, match="in_flight must be 1 or 2"):
        by_name(text)
