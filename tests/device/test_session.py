"""The device's session, driven by hand: times in, exact numbers out."""

import numpy as np
import pytest
from tests.welcome import NAMES, WELCOME

from foveate.codec import EncodedFrame
from foveate.core import Detections, Frame, InputError, ProtocolError, VersionError
from foveate.device import Connected, DecideWork, DeviceSession, Displayed, EncodeWork, Lost, OffloadDone, Send
from foveate.device.backoff import FIRST_S, UNREACHABLE_S, Backoff
from foveate.network.messages import (
    MAX_MESSAGE_BYTES,
    PROTOCOL_VERSION,
    Ack,
    Failure,
    Hello,
    Offload,
    Ping,
    Pong,
    Result,
    Stranger,
    decode_from_device,
    encode,
)
from foveate.policies import Back2Back, Fixed

INTERVAL_S = 0.1
ENCODED = EncodedFrame(full=bytes(700), low=bytes(300))


def seen(n):
    return Detections(
        boxes=np.tile([1.0, 2.0, 30.0, 40.0], (n, 1)), scores=np.ones(n), class_id=np.zeros(n), class_names=NAMES
    )


class Bench:
    """A session, and all that came out of it, by kind."""

    def __init__(self, policy=None, *, connected=True, **options):
        self.session = DeviceSession(policy=policy or Back2Back(), frame_interval_s=INTERVAL_S, **options)
        self.events = []
        self.take(self.session.start(0.0))
        if connected:
            self.receive(WELCOME, 0.0)

    def take(self, events, now=0.0):
        """Keep the events; a decision takes no time here."""
        self.events += events
        decided = [made for event in events if isinstance(event, DecideWork) for made in self.session.decide(now)]
        if decided:
            self.take(decided, now)
        return [*events, *decided]

    def capture(self, index, now):
        frame = Frame(pixels=np.zeros((128, 192, 3), np.uint8), index=index, captured_at=now)
        return self.take(self.session.capture(frame, now), now)

    def receive(self, message, now):
        return self.take(self.session.receive(encode(message), now), now)

    def encoded(self, offload_id, now):
        return self.take(self.session.encoded(offload_id, ENCODED, now), now)

    def advance(self, now):
        return self.take(self.session.advance(now), now)

    def result(self, offload_id, now, *, objects=1, queue_s=0.0, decode_s=0.01, inference_s=0.05):
        message = Result.of(
            seen(objects), offload_id=offload_id, queue_s=queue_s, decode_s=decode_s, inference_s=inference_s
        )
        return self.receive(message, now)

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def sent(self):
        return [decode_from_device(event.payload) for event in self.of(Send)]

    @property
    def records(self):
        return [event.record for event in self.of(OffloadDone)]


def measured_rtt(bench, rtt_s, now=0.0):
    """Answer the heartbeat that the session sends when it is connected."""
    ping = next(message for message in bench.sent if isinstance(message, Ping))
    bench.receive(Pong(number=ping.number), now + rtt_s)


def test_it_greets_connects_and_measures_at_once():
    bench = Bench()
    assert bench.sent == [Hello(), Ping(number=1)]
    assert [event.welcome for event in bench.of(Connected)] == [WELCOME]


def test_stages_are_exact_and_add_up():
    bench = Bench()
    measured_rtt(bench, 0.04)
    bench.capture(0, 1.0)
    bench.encoded(0, 1.02)
    bench.receive(Ack(offload_id=0), 1.17)
    bench.result(0, 1.26, decode_s=0.01, inference_s=0.05)
    (record,) = bench.records
    assert record.rtt_s == pytest.approx(0.04)
    assert record.encode_s == pytest.approx(0.02)
    assert record.uplink_s == pytest.approx(0.15 - 0.02)
    assert (record.decode_s, record.inference_s) == pytest.approx((0.01, 0.05))
    assert record.downlink_s == pytest.approx(0.26 - 0.02 - 0.13 - 0.06)
    assert record.e2e_latency_s == pytest.approx(0.26)
    assert record.payload_bytes == 1000
    assert record.throughput_bps == pytest.approx(8000 / (0.13 - 0.02))
    assert not record.failed


def test_waiting_for_a_busy_server_is_not_taken_for_the_downlink():
    bench = Bench()
    measured_rtt(bench, 0.04)
    bench.capture(0, 1.0)
    bench.encoded(0, 1.02)
    bench.receive(Ack(offload_id=0), 1.17)
    bench.result(0, 2.26, queue_s=1.0, decode_s=0.01, inference_s=0.05)
    (record,) = bench.records
    assert (record.queue_s, record.uplink_s) == pytest.approx((1.0, 0.13))
    assert record.downlink_s == pytest.approx(0.26 - 0.02 - 0.13 - 0.06)


@pytest.mark.parametrize(
    ("acked_at", "queue_s", "decode_s", "inference_s"),
    [
        (1.17, 0.0, 0.01, 0.05),
        (1.17, 0.03, 0.01, 0.05),
        (1.021, 0.0, 0.0, 0.0),
        (1.26, 0.0, 0.01, 0.05),
        (1.1, 5.0, 5.0, 5.0),
        (1.1, 0.1, 5.0, 5.0),
        (1.1, 0.0, 0.0, 9.0),
        (None, 0.0, 0.01, 0.02),
    ],
)
def test_no_stage_is_negative_and_stages_add_up_whatever_the_server_claims(acked_at, queue_s, decode_s, inference_s):
    bench = Bench()
    measured_rtt(bench, 0.04)
    bench.capture(0, 1.0)
    bench.encoded(0, 1.02)
    if acked_at is not None:
        bench.receive(Ack(offload_id=0), acked_at)
    bench.result(0, 1.26, queue_s=queue_s, decode_s=decode_s, inference_s=inference_s)
    (record,) = bench.records
    served = (record.queue_s, record.decode_s, record.inference_s)
    stages = (record.encode_s, record.uplink_s, *served, record.downlink_s)
    assert min(stages) >= 0
    assert sum(stages) == pytest.approx(record.e2e_latency_s, abs=1e-12)


def test_the_message_carries_the_plan():
    bench = Bench(Fixed(beta=3, quality=80))
    bench.capture(0, 0.0)
    bench.encoded(0, 0.01)
    bench.result(0, 0.05)
    bench.capture(1, 0.1)
    bench.encoded(1, 0.12)
    first, second = (message for message in bench.sent if isinstance(message, Offload))
    assert (first.mask, first.restoration_point, first.score_threshold) == (b"", 0, 0.3)
    assert (second.offload_id, second.frame_index, second.restoration_point) == (1, 1, 3)
    assert second.mask == bytes([0b01111100])  # 2 x 3 regions, the object lies in the first
    works = bench.of(EncodeWork)
    assert [work.plan.jpeg_quality for work in works] == [80, 80]
    assert works[0].grid.shape == (2, 3)


def test_each_frame_is_displayed_one_interval_after_its_capture_with_what_is_ready_then():
    bench = Bench()
    for index in range(4):
        bench.capture(index, index * INTERVAL_S)
        if index == 0:
            bench.encoded(0, 0.01)
        if index == 1:
            bench.result(0, 0.15, objects=2)
    bench.advance(0.4)
    shown = bench.of(Displayed)
    assert [event.frame.index for event in shown] == [0, 1, 2, 3]
    assert [event.displayed_at for event in shown] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert [len(event.detections) for event in shown] == [0, 2, 2, 2]
    assert [event.source and event.source.index for event in shown] == [None, 0, 0, 0]
    assert shown[0].staleness_s is None
    assert [event.staleness_s for event in shown[1:]] == pytest.approx([0.2, 0.3, 0.4])


def test_a_result_that_comes_at_the_instant_of_a_display_is_shown_one_frame_later():
    bench = Bench()
    bench.capture(0, 0.0)
    bench.encoded(0, 0.01)
    bench.result(0, INTERVAL_S, objects=2)
    (shown,) = bench.of(Displayed)
    assert len(shown.detections) == 0


def test_a_late_shell_changes_nothing_but_the_time_of_display():
    bench = Bench()
    bench.capture(0, 0.0)
    bench.encoded(0, 0.01)
    bench.result(0, 0.15, objects=2)
    (shown,) = bench.of(Displayed)
    assert (shown.displayed_at, len(shown.detections)) == (0.15, 0)


def test_the_newest_frame_goes_as_soon_as_the_result_is_back_and_none_goes_twice():
    bench = Bench()
    bench.capture(0, 0.0)
    bench.encoded(0, 0.01)
    bench.capture(1, 0.1)
    bench.capture(2, 0.2)
    assert len(bench.of(EncodeWork)) == 1
    bench.result(0, 0.25)
    assert [work.frame.index for work in bench.of(EncodeWork)] == [0, 2]
    bench.encoded(1, 0.26)
    bench.result(1, 0.28)
    assert len(bench.of(EncodeWork)) == 2
    bench.capture(3, 0.3)
    assert [work.frame.index for work in bench.of(EncodeWork)] == [0, 2, 3]


def test_before_the_server_answers_frames_are_displayed_and_none_is_sent():
    bench = Bench(connected=False)
    bench.capture(0, 0.0)
    bench.advance(INTERVAL_S)
    assert len(bench.of(Displayed)[0].detections) == 0
    assert not bench.of(EncodeWork)
    bench.receive(WELCOME, 0.15)
    assert [work.frame.index for work in bench.of(EncodeWork)] == [0]


def test_a_lost_offload_fails_and_the_newest_frame_goes_next():
    bench = Bench(offload_timeout_s=0.35)
    bench.capture(0, 0.0)
    bench.encoded(0, 0.02)
    for index in range(1, 4):
        bench.capture(index, index * INTERVAL_S)
    assert bench.session.wake_at == pytest.approx(0.35)
    bench.advance(0.35)
    (done,) = bench.of(OffloadDone)
    assert done.record.failed
    assert done.result is None
    assert done.reason == "no result within 0.35 s"
    assert done.record.encode_s == pytest.approx(0.02)
    assert (done.record.uplink_s, done.record.inference_s, done.record.downlink_s) == (0, 0, 0)
    assert bench.of(EncodeWork)[-1].frame.index == 3
    bench.result(0, 0.36, objects=2)  # too late: nobody waits for it
    assert len(bench.of(OffloadDone)) == 1
    bench.encoded(1, 0.37)
    bench.result(1, 0.39, objects=1)
    assert [record.failed for record in bench.records] == [True, False]


def test_a_lost_server_never_stops_the_picture():
    bench = Bench(offload_timeout_s=0.35)
    for index in range(50):
        bench.capture(index, index * INTERVAL_S)
        for work in bench.of(EncodeWork):
            bench.encoded(work.offload_id, index * INTERVAL_S + 0.01)
    bench.advance(5.0)
    assert [event.frame.index for event in bench.of(Displayed)] == list(range(50))
    assert len(bench.records) >= 5
    assert all(record.failed for record in bench.records)


def test_a_refused_offload_says_why():
    bench = Bench()
    bench.capture(0, 0.0)
    bench.encoded(0, 0.01)
    bench.receive(Failure(offload_id=0, text="superseded"), 0.05)
    (done,) = bench.of(OffloadDone)
    assert (done.record.failed, done.reason) == (True, "superseded")


def test_a_picture_that_no_message_holds_fails_its_offload_and_the_next_frame_leaves():
    bench = Bench()
    bench.capture(0, 0.0)
    bench.capture(1, 0.02)
    bench.take(bench.session.encoded(0, EncodedFrame(full=bytes(MAX_MESSAGE_BYTES)), 0.03), 0.03)
    (done,) = bench.of(OffloadDone)
    assert done.record.failed
    assert f"may hold {MAX_MESSAGE_BYTES} bytes" in done.reason
    assert not [message for message in bench.sent if isinstance(message, Offload)]
    assert [work.frame.index for work in bench.of(EncodeWork)] == [0, 1]


def test_failures_of_other_offloads_are_ignored():
    bench = Bench()
    bench.capture(0, 0.0)
    bench.receive(Failure(offload_id=9, text="superseded"), 0.05)
    assert not bench.of(OffloadDone)


@pytest.mark.parametrize("payload", [b"", b"noise", encode(Hello())])
def test_noise_ends_a_handshake_but_only_fails_an_offload_later(payload):
    with pytest.raises(ProtocolError):
        Bench(connected=False).session.receive(payload, 0.0)
    bench = Bench()
    bench.take(bench.session.receive(payload, 0.01))
    assert not bench.of(OffloadDone)
    bench.capture(0, 0.1)
    bench.take(bench.session.receive(payload, 0.15))
    (done,) = bench.of(OffloadDone)
    assert done.record.failed
    assert done.reason


def test_an_offload_says_how_much_longer_its_device_waits():
    bench = Bench(offload_timeout_s=2.0)
    bench.capture(0, 1.0)
    bench.encoded(0, 1.25)
    (offload,) = (message for message in bench.sent if isinstance(message, Offload))
    assert offload.patience_s == 1.75
    bench = Bench(offload_timeout_s=2.0)
    bench.capture(0, 1.0)
    events = bench.session.advance(3.0)
    assert [event.reason for event in events if isinstance(event, OffloadDone)] == ["no result within 2 s"]


def test_a_frame_that_was_stale_for_the_server_is_an_offload_that_failed():
    bench = Bench()
    bench.capture(0, 0.0)
    bench.encoded(0, 0.01)
    bench.receive(Ack(offload_id=0), 0.02)
    bench.receive(Failure(offload_id=0, text="stale"), 0.5)
    assert [(done.record.failed, done.reason) for done in bench.of(OffloadDone)] == [(True, "stale")]
    bench.capture(1, 0.6)
    assert [work.offload_id for work in bench.of(EncodeWork)] == [0, 1]


def test_the_model_is_asked_for_in_every_greeting():
    bench = Bench(model="large", connected=False)
    bench.advance(1.0)
    assert bench.sent == [Hello(model="large")] * 2


@pytest.mark.parametrize("timeout_s", [0.0, -1.0, float("nan")])
def test_a_timeout_that_is_none_is_refused(timeout_s):
    with pytest.raises(InputError, match="needs spans above 0"):
        Bench(offload_timeout_s=timeout_s)


def test_a_refusal_at_the_start_is_raised():
    with pytest.raises(ProtocolError, match=r"^the server refuses this device: the model 'large' does not run here"):
        Bench(connected=False).receive(Failure(offload_id=None, text="the model 'large' does not run here"), 0.1)


def test_a_server_that_comes_back_and_refuses_is_told_once_and_the_picture_goes_on():
    bench = Bench()
    bench.receive(Stranger(), 0.5)
    refusal = Failure(offload_id=None, text="the model 'm' does not run here")
    for now in (0.6, 1.1):
        bench.receive(refusal, now)
    assert [event.reason for event in bench.of(Lost)] == [
        "the server has forgotten this device",
        f"the server refuses this device: {refusal.text}",
    ]
    bench.capture(0, 1.2)
    bench.advance(1.2 + INTERVAL_S)
    assert len(bench.of(Displayed)) == 1
    assert not bench.of(EncodeWork)
    bench.receive(WELCOME, 2.0)
    assert len(bench.of(EncodeWork)) == 1


def of_another_version(message):
    data = bytearray(encode(message))
    data[2] = 77
    return bytes(data)


def test_a_server_of_another_version_is_raised_at_the_start_with_both_versions():
    with pytest.raises(VersionError, match=f"server speaks protocol version 77, this device {PROTOCOL_VERSION}"):
        Bench(connected=False).session.receive(of_another_version(WELCOME), 0.1)


def test_a_server_that_comes_back_and_shuts_the_door_is_told_once():
    bench = Bench()
    for now, refused in ((1.0, False), (2.0, False), (3.0, True), (4.0, True)):
        reason = "it does not allow this device's key" if refused else "the server closed the connection"
        bench.take(bench.session.disconnected(reason, now, refused=refused), now)
    assert [event.reason for event in bench.of(Lost)] == [
        "the server closed the connection",
        "it does not allow this device's key",
    ]


def test_a_server_that_comes_back_with_another_version_is_told_once_and_asked_ever_more_rarely():
    bench = Bench()
    bench.take(bench.session.disconnected("the server closed the connection", 1.0), 1.0)
    refused_at, now = [], 1.0
    while now < 100.0:
        now = bench.session.wake_at
        bench.advance(now)
        bench.take(bench.session.receive(of_another_version(WELCOME), now + 0.01), now + 0.01)
        refused_at.append(now)
    assert [event.reason for event in bench.of(Lost)] == [
        "the server closed the connection",
        f"the server speaks protocol version 77, this device {PROTOCOL_VERSION}: both ends need the same",
    ]
    assert len(refused_at) < 20
    bench.capture(0, now)
    bench.advance(now + 1)
    assert len(bench.of(Displayed)) == 1


def test_a_result_of_unknown_classes_fails_its_offload():
    bench = Bench()
    bench.capture(0, 0.0)
    bench.encoded(0, 0.01)
    bad = Result(
        offload_id=0,
        boxes=bytes(16),
        scores=bytes(4),
        class_id=np.array([9], "<i4").tobytes(),
        decode_s=0.0,
        inference_s=0.0,
    )
    bench.receive(bad, 0.05)
    assert bench.records[0].failed


def pings(bench):
    return [message.number for message in bench.sent if isinstance(message, Ping)]


def test_heartbeats_go_only_over_an_idle_link():
    bench = Bench()
    measured_rtt(bench, 0.04)
    bench.capture(0, 1.0)
    assert pings(bench) == [1, 2]  # due, and encoding leaves the link idle
    bench.receive(Pong(number=2), 1.01)
    bench.encoded(0, 1.02)
    bench.advance(1.9)
    assert pings(bench) == [1, 2]
    bench.receive(Ack(offload_id=0), 1.95)
    bench.advance(1.95)
    assert pings(bench) == [1, 2, 3]


def test_a_heartbeat_that_is_never_answered_is_followed_by_another():
    bench = Bench()
    bench.advance(0.9)
    assert pings(bench) == [1]
    bench.advance(1.0)
    assert pings(bench) == [1, 2]
    bench.receive(Pong(number=1), 1.01)  # of the lost one
    bench.capture(0, 1.1)
    bench.encoded(0, 1.1)
    bench.result(0, 1.2)
    assert bench.records[0].rtt_s == 0


def test_a_heartbeat_behind_bytes_of_a_lost_offload_tells_that_the_link_is_idle_and_measures_nothing():
    bench = Bench(offload_timeout_s=1.0)
    bench.capture(0, 0.1)
    bench.encoded(0, 0.1)
    bench.receive(Pong(number=1), 0.02)
    bench.advance(1.1)  # given up, never acknowledged
    assert pings(bench) == [1, 2]
    bench.receive(Pong(number=2), 3.1)
    bench.advance(3.1)
    assert pings(bench) == [1, 2, 3]
    bench.receive(Pong(number=3), 3.13)
    bench.capture(1, 3.2)
    bench.encoded(1, 3.2)
    bench.result(1, 3.3)
    assert bench.records[-1].rtt_s == pytest.approx(0.02)


def test_the_round_trip_is_the_smoothed_minimum():
    bench = Bench()
    for number, rtt_s in enumerate((0.08, 0.12, 0.04), start=1):
        bench.advance(float(number - 1))
        bench.receive(Pong(number=number), number - 1 + rtt_s)
    bench.capture(0, 4.0)
    bench.encoded(0, 4.0)
    bench.result(0, 4.5)
    # 0.08; minimum stays 0.08; then 0.08 + (0.04 - 0.08) / 4
    assert bench.records[0].rtt_s == pytest.approx(0.07)


def test_it_is_finished_when_all_is_displayed_and_the_last_offload_is_back():
    bench = Bench()
    bench.capture(0, 0.0)
    bench.encoded(0, 0.01)
    bench.session.end()
    bench.advance(INTERVAL_S)
    assert not bench.session.finished
    bench.result(0, 0.3)
    assert bench.session.finished
    assert len(bench.of(EncodeWork)) == 1


def test_it_says_when_it_must_be_woken():
    session = DeviceSession(policy=Back2Back(), frame_interval_s=INTERVAL_S)
    assert session.wake_at is None
    session.start(1.0)
    assert session.wake_at == pytest.approx(1.5)  # a greeting is repeated
    session.capture(Frame(pixels=np.zeros((128, 192, 3), np.uint8), index=0, captured_at=1.0), 1.0)
    assert session.wake_at == pytest.approx(1.0 + INTERVAL_S)


def test_a_policy_may_wait():
    class Every3rd(Back2Back):
        def decide(self, state):
            return super().decide(state) if state.frame_index % 3 == 0 else None

    bench = Bench(Every3rd())
    for index in range(6):
        bench.capture(index, index * INTERVAL_S)
        for work in bench.of(EncodeWork):
            bench.encoded(work.offload_id, index * INTERVAL_S + 0.01)
            bench.result(work.offload_id, index * INTERVAL_S + 0.02)
    assert [work.frame.index for work in bench.of(EncodeWork)] == [0, 3]


def test_a_policy_sees_what_the_device_knows():
    states = []

    class Watcher(Back2Back):
        def decide(self, state):
            states.append(state)
            return super().decide(state)

    bench = Bench(Watcher())
    bench.capture(0, 0.0)
    bench.encoded(0, 0.01)
    bench.result(0, 0.05, objects=2)
    bench.capture(1, 0.1)
    first, second = states
    assert (first.frame_index, first.offloaded_frame, first.result, first.result_frame) == (0, None, None, None)
    assert (second.frame_index, second.offloaded_frame, second.result_frame) == (1, 0, 0)
    assert len(second.result) == 2
    assert first.grid.shape == (2, 3)
    assert first.restoration_points == range(5)


BUSY = "the server is busy"


def refused_as_busy(bench, offload_id, now):
    bench.encoded(offload_id, now)
    bench.receive(Ack(offload_id=offload_id), now)
    bench.receive(Failure(offload_id=offload_id, text=BUSY, busy=True), now)


def test_a_busy_server_is_left_alone_for_a_wait_that_grows_up_to_a_second():
    bench = Bench(backoff=Backoff(3))
    now, waits = 1.0, []
    bench.capture(0, now)
    for number in range(6):
        refused_as_busy(bench, number, now)
        bench.capture(number + 1, now)
        assert len(bench.of(EncodeWork)) == number + 1  # nothing goes out at once
        until = bench.session._reluctance.until
        assert bench.session.wake_at <= until
        bench.advance(until)
        assert len(bench.of(EncodeWork)) == number + 2
        waits.append(until - now)
        now = until
    for number, wait_s in enumerate(waits):
        longest_s = min(FIRST_S * 2**number, UNREACHABLE_S)
        assert longest_s / 2 <= wait_s <= longest_s + 1e-9


def test_after_a_result_a_busy_server_is_first_asked_again_soon():
    bench = Bench()
    bench.capture(0, 1.0)
    now = 1.0
    for number in range(5):
        refused_as_busy(bench, number, now)
        now = bench.session._reluctance.until
        bench.capture(number + 1, now)
    bench.encoded(5, now)
    bench.receive(Ack(offload_id=5), now)
    bench.result(5, now + 0.1)
    bench.capture(7, now + 0.1)
    refused_as_busy(bench, 6, now + 0.2)
    assert bench.session._reluctance.until - (now + 0.2) <= FIRST_S


def test_any_other_refusal_is_followed_by_the_next_frame_at_once():
    bench = Bench()
    bench.capture(0, 1.0)
    bench.encoded(0, 1.0)
    bench.capture(1, 1.1)
    bench.receive(Failure(offload_id=0, text="stale"), 1.2)
    assert [work.frame.index for work in bench.of(EncodeWork)] == [0, 1]


def test_a_server_that_was_started_again_is_not_waited_for():
    bench = Bench()
    bench.capture(0, 1.0)
    refused_as_busy(bench, 0, 1.0)
    bench.capture(1, 1.0)
    bench.receive(Stranger(), 1.01)
    bench.receive(WELCOME, 1.02)
    assert len(bench.of(EncodeWork)) == 2
