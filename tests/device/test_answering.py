"""A device that owes every frame an answer, driven by hand: times in, answers out."""

import numpy as np
import pytest
from tests.welcome import NAMES, WELCOME

from foveate.codec import EncodedPart, EncodedParts
from foveate.core import (
    AccuracyLine,
    AccuracyTable,
    ClassProfile,
    Detections,
    Frame,
    InputError,
    Look,
    OffloadPlan,
    PairTimes,
    ProtocolError,
    SizeLine,
    SizeTable,
    View,
)
from foveate.device import (
    Answered,
    AnsweringSession,
    AnswerRules,
    Connected,
    DecideWork,
    Displayed,
    EncodeWork,
    LookWork,
    Lost,
    OffloadDone,
    Redial,
    Send,
)
from foveate.device.backoff import FIRST_S
from foveate.device.uplink import Uplink
from foveate.network.messages import (
    MAX_MESSAGE_BYTES,
    Ack,
    Failure,
    Hello,
    PartsOffload,
    Ping,
    Pong,
    Probe,
    Probed,
    Result,
    Stranger,
    decode_from_device,
    encode,
)
from foveate.policies.answering import CloudOnly, DeviceOnly, ElfV, Hyperion, RemixLike

SIZE = (128, 192)
INTERVAL_S = 0.1
TIMES = PairTimes(
    look_s=0.1, cloud_s=0.1, decide_s=0.0, classes_s=0.0, encode_s_per_mpixel=0.0, decode_s_per_mpixel=0.0
)
TABLE = SizeTable(qualities=(10, 100), ratio=((0.1, 1.0),) * 3)
PROFILE = ClassProfile(
    line=SizeLine(slope=0.01, intercept=0.0),
    table=TABLE,
    accuracy=AccuracyLine(weights=(0.001, 0.002, 0.003), bias=0.0),
    accuracy_table=AccuracyTable(qualities=(10, 100), worth=((0.1, 0.2),) * 3, bias=0.0),
    original_per_thumbnail=100.0,
)


def seen(left, score=0.9):
    return Detections(boxes=np.array([[left, 20.0, left + 30, 60.0]]), scores=[score], class_id=[0], class_names=NAMES)


DEVICE, CLOUD = seen(10.0), seen(100.0)


def looked(classes=1):
    return Look(detections=DEVICE, importance_class=np.full((8, 12), classes, np.uint8), thumbnail_bytes=1000)


class Bench:
    """A session, and all that came out of it, by kind."""

    def __init__(self, policy=None, *, connected=True, profile=PROFILE, rtt_s=0.0, rate_bps=8e6, **rules):
        self.session = AnsweringSession(
            policy=policy or Hyperion(),
            frame_interval_s=INTERVAL_S,
            rules=AnswerRules(**{"deadline_s": 0.4, "guard_s": 0.0} | rules),
            times=TIMES,
            profile=profile,
        )
        self.events = []
        self.take(self.session.start(0.0), 0.0)
        if connected:
            self.receive(WELCOME, 0.0)
            self.advance(0.0)
            self.receive(Pong(number=1), rtt_s)
        if rate_bps and self.sent(Probe):
            size = len(self.sent(Probe)[-1].padding)
            self.receive(Probed(number=1), 2 * rtt_s + 8 * size / rate_bps)

    def take(self, events, now):
        """Keep the events; a decision takes no time here."""
        for event in events:
            self.events.append(event)
            if isinstance(event, DecideWork):
                self.take(self.session.decide(now), now)
        return events

    def capture(self, index, now):
        frame = Frame(pixels=np.zeros((*SIZE, 3), np.uint8), index=index, captured_at=now)
        return self.take(self.session.capture(frame, now), now)

    def look(self, number, now, classes=1):
        return self.take(self.session.looked(number, looked(classes), now), now)

    def encoded(self, number, now, size=1000):
        parts = EncodedParts(parts=(EncodedPart(view=View.whole(SIZE), data=bytes(size)),))
        return self.take(self.session.encoded(number, parts, now), now)

    def receive(self, message, now):
        return self.take(self.session.receive(encode(message), now), now)

    def advance(self, now):
        return self.take(self.session.advance(now), now)

    def result(self, number, now, cloud=CLOUD):
        return self.receive(Result.of(cloud, offload_id=number, decode_s=0.01, inference_s=0.09), now)

    def sent(self, kind):
        messages = [decode_from_device(e.payload) for e in self.events if isinstance(e, Send)]
        return [message for message in messages if isinstance(message, kind)]

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def answers(self):
        return self.of(Answered)


def offloaded(bench, number=0, at=1.0):
    """Frame `number` captured at `at`, looked at in 0.1 s, sent at once."""
    bench.capture(number, at)
    bench.look(number, at + 0.1)
    bench.encoded(number, at + 0.1)


def test_both_results_make_the_answer():
    bench = Bench()
    offloaded(bench)
    bench.receive(Ack(offload_id=0), 1.2)
    bench.result(0, 1.3)
    (answer,) = bench.answers
    assert (answer.made_of, answer.valid, answer.frame.index) == ("both", True, 0)
    assert answer.latency_s == pytest.approx(0.3)
    assert sorted(answer.detections.boxes[:, 0].tolist()) == [10.0, 100.0]
    assert bench.of(OffloadDone)[0].result == CLOUD


def test_a_result_that_cannot_be_fails_its_offload_at_once():
    bench = Bench(late="kept", offload_timeout_s=5.0)
    offloaded(bench)
    bench.receive(Ack(offload_id=0), 1.2)
    bench.receive(Result(offload_id=0, boxes=b"1", scores=b"", class_id=b"", decode_s=0.0, inference_s=0.0), 1.3)
    (done,) = bench.of(OffloadDone)
    assert (done.record.failed, done.reason) == (True, "boxes must be float32 of at most 10000 objects, got 1 bytes")
    assert [answer.made_of for answer in bench.answers] == ["device"]


def test_a_picture_that_no_message_holds_fails_its_offload_and_the_device_answers():
    bench = Bench()
    bench.capture(0, 1.0)
    bench.look(0, 1.1)
    bench.encoded(0, 1.1, size=MAX_MESSAGE_BYTES)
    (done,) = bench.of(OffloadDone)
    assert f"may hold {MAX_MESSAGE_BYTES} bytes" in done.reason
    assert [answer.made_of for answer in bench.answers] == ["device"]


def test_without_the_ensemble_the_cloud_answers_alone():
    bench = Bench(Hyperion(ensemble=False))
    offloaded(bench)
    bench.result(0, 1.3)
    assert bench.answers[0].made_of == "cloud"
    assert bench.answers[0].detections == CLOUD


def gone_ahead(late="device", **options):
    """Frame 0 was looked at from 1.0 to 1.1 s and answered by the device; frame 1 of 2.0 s left at once."""
    bench = Bench(Hyperion(ahead=True, **options), late=late)
    bench.capture(0, 1.0)
    bench.look(0, 1.1, classes=2)
    for probe in bench.sent(Probe)[1:]:
        bench.receive(Probed(number=probe.number), 1.1 + 8 * len(probe.padding) / 8e6)
    bench.capture(1, 2.0)
    bench.encoded(1, 2.0)
    return bench


@pytest.mark.parametrize("late", ["device", "kept"])
def test_who_goes_ahead_sends_by_the_last_look_while_the_device_looks(late):
    bench = gone_ahead(late)
    assert [answer.made_of for answer in bench.answers] == ["device"]  # nothing was known of classes yet
    (work,) = bench.of(EncodeWork)
    assert work.plan.importance_class[0, 0] == 2
    assert work.plan.importance_class[2, 1] == 0  # in a box that the device was sure of
    assert bench.of(LookWork)[-1].number == 1
    bench.look(1, 2.1)
    bench.result(1, 2.2)
    assert (bench.answers[-1].made_of, bench.answers[-1].valid) == ("both", True)
    assert bench.answers[-1].latency_s == pytest.approx(0.2)


@pytest.mark.parametrize("late", ["device", "kept"])
def test_a_result_that_is_there_first_waits_for_the_look(late):
    bench = Bench(CloudOnly(ensemble=True), late=late)
    bench.capture(0, 1.0)
    bench.encoded(0, 1.0)
    bench.result(0, 1.05)
    assert not bench.answers
    bench.look(0, 1.1)
    (answer,) = bench.answers
    assert (answer.made_of, answer.latency_s) == ("both", pytest.approx(0.1))


@pytest.mark.parametrize("late", ["device", "kept"])
def test_a_look_is_waited_for_no_longer_than_to_the_deadline(late):
    bench = gone_ahead(late)
    bench.result(1, 2.05)
    assert bench.session.wake_at <= 2.4
    bench.advance(2.4)
    assert (bench.answers[-1].made_of, bench.answers[-1].valid) == ("cloud", True)
    bench.look(1, 2.5)
    assert len(bench.answers) == 2


def test_the_cloud_alone_answers_where_both_are_not_to_be_fused():
    bench = gone_ahead(ensemble=False)
    bench.result(1, 2.05)
    assert bench.answers[-1].made_of == "cloud"


def test_what_went_ahead_teaches_the_size_of_frames():
    bench = gone_ahead()
    expected = bench.of(EncodeWork)[0].plan.expected_bytes
    assert expected != 1000
    bench.look(1, 2.1, classes=2)
    bench.result(1, 2.2)
    bench.capture(2, 3.0)
    (plan,) = [work.plan for work in bench.of(EncodeWork)[1:]]
    share = expected / 100_000  # of the thumbnail's hundredfold
    assert plan.expected_bytes == pytest.approx(1000 / share * sum(plan.class_qualities[2:]) / 100, rel=0.01)


def test_at_the_deadline_the_device_answers_and_the_next_frame_begins():
    bench = Bench()
    offloaded(bench)
    bench.capture(1, 1.1)
    assert bench.session.wake_at <= 1.4
    bench.advance(1.4)
    (answer,) = bench.answers
    assert (answer.made_of, answer.valid, answer.latency_s) == ("device", True, pytest.approx(0.4))
    assert answer.detections == DEVICE
    assert [work.number for work in bench.of(LookWork)] == [0, 1]


def test_the_device_answers_a_moment_before_the_deadline_so_that_the_shell_may_be_late():
    bench = Bench(guard_s=0.05)
    offloaded(bench)
    bench.advance(1.34)
    assert not bench.answers
    bench.advance(1.36)
    assert (bench.answers[0].made_of, bench.answers[0].valid) == ("device", True)


def test_a_result_at_the_very_deadline_is_in_time():
    bench = Bench()
    offloaded(bench)
    bench.result(0, 1.4)
    assert (bench.answers[0].made_of, bench.answers[0].valid) == ("both", True)


def test_a_result_after_the_deadline_changes_no_answer_but_ends_its_offload():
    bench = Bench()
    offloaded(bench)
    bench.result(0, 1.5)
    (answer,) = bench.answers
    assert answer.made_of == "device"
    assert not bench.of(OffloadDone)[0].record.failed


def test_a_result_after_the_deadline_is_no_answer_even_while_the_device_looks():
    bench = Bench(CloudOnly())
    bench.capture(0, 1.0)
    bench.encoded(0, 1.0)
    assert not bench.session.awaits(0, 1.5)
    bench.result(0, 1.5)
    assert not bench.answers
    bench.look(0, 1.6)
    (answer,) = bench.answers
    assert (answer.made_of, answer.valid, answer.payload_bytes) == ("device", False, 1000)
    assert answer.detections == DEVICE


def test_a_late_frame_keeps_the_last_valid_answer_by_the_papers_rule():
    bench = Bench(late="kept")
    offloaded(bench, 0, 1.0)
    bench.result(0, 1.3)
    offloaded(bench, 1, 2.0)
    bench.advance(2.4)
    assert len(bench.answers) == 1  # it waits for the cloud
    bench.result(1, 2.7, seen(50.0))
    first, late = bench.answers
    assert (late.made_of, late.valid, late.latency_s) == ("kept", False, pytest.approx(0.7))
    assert late.detections == first.detections


def test_a_late_first_frame_has_nothing_to_keep():
    bench = Bench(CloudOnly(), late="kept")
    bench.capture(0, 1.0)
    bench.encoded(0, 1.0)
    bench.result(0, 2.0)
    assert (bench.answers[0].made_of, len(bench.answers[0].detections)) == ("nothing", 0)


def test_a_device_that_looks_longer_than_the_deadline_answers_late():
    bench = Bench(DeviceOnly())
    bench.capture(0, 1.0)
    bench.advance(1.4)
    assert not bench.answers
    bench.look(0, 1.5)
    assert (bench.answers[0].made_of, bench.answers[0].valid) == ("device", False)


def test_device_only_sends_neither_frames_nor_probes():
    bench = Bench(DeviceOnly())
    bench.capture(0, 1.0)
    bench.look(0, 1.1)
    assert bench.answers[0].latency_s == pytest.approx(0.1)
    assert not bench.sent(PartsOffload)
    assert not bench.sent(Probe)


def test_before_the_server_answers_the_device_does():
    bench = Bench(connected=False)
    bench.capture(0, 1.0)
    bench.look(0, 1.1)
    assert (bench.answers[0].made_of, bench.answers[0].valid) == ("device", True)
    assert bench.sent(Hello)


def test_the_first_probe_waits_for_the_round_trip_that_is_taken_off_it():
    bench = Bench(connected=False)
    bench.receive(WELCOME, 0.0)
    bench.advance(0.0)
    assert not bench.sent(Probe)
    bench.receive(Pong(number=1), 0.05)
    bench.receive(Probed(number=1), 0.05 + 0.05 + 0.016384)
    assert bench.session._uplink.rate_bps == pytest.approx(8e6)


def test_a_probe_cannot_tell_a_fast_link_from_a_round_trip_that_was_short():
    bench = Bench(rtt_s=0.04, rate_bps=1e9)
    assert bench.session._uplink.rate_bps == pytest.approx(8 * 16384 / 0.004)


def probed(uplink, rate_bps, rtt_s=0.05, at=0.0):
    """Sends the next probe over an ideal link; how many KiB it had."""
    probe = uplink.probe(at, pings_before=0)
    uplink.probed(probe.number, at + rtt_s + 8 * len(probe.padding) / rate_bps, rtt_s=rtt_s)
    return len(probe.padding) / 1024


def test_probes_grow_until_they_tell_a_rate_from_the_round_trip_and_shrink_on_a_slow_link():
    uplink = Uplink(probe_bytes=4 * 1024)
    assert [probed(uplink, 80e6) for _ in range(4)] == [4, 16, 64, 64]
    assert [probed(uplink, 1e6) for _ in range(4)] == [64, 16, 4, 4]


def test_a_probe_that_is_too_small_to_tell_counts_only_for_want_of_a_better_one():
    uplink = Uplink(probe_bytes=16 * 1024)
    probed(uplink, 80e6)  # 1.6 ms
    assert uplink.rate_bps == pytest.approx(8 * 16384 / 0.005)
    probed(uplink, 80e6)  # 6.6 ms, a tenth of the round trip and more
    assert uplink.rate_bps == pytest.approx(80e6)
    uplink._size = 1024
    probed(uplink, 80e6)
    assert uplink.rate_bps == pytest.approx(80e6)


def test_a_large_observation_replaces_those_of_few_bytes():
    """The first probe was delayed by 20 ms that had nothing to do with its size."""
    uplink = Uplink(probe_bytes=16 * 1024)
    probe = uplink.probe(0.0, pings_before=0)
    uplink.probed(probe.number, 0.05 + 0.0216384, rtt_s=0.05)
    assert uplink.rate_bps == pytest.approx(6.06e6, rel=1e-3)
    probed(uplink, 80e6)
    assert uplink.rate_bps == pytest.approx(80e6)
    probed(uplink, 20e6)
    assert uplink.rate_bps == pytest.approx(32e6)  # harmonic mean of observations alike


def test_after_the_first_probe_an_unknown_uplink_sends_nothing():
    bench = Bench(rate_bps=None)
    (probe,) = bench.sent(Probe)
    assert len(probe.padding) == 16 * 1024
    bench.capture(0, 0.0)
    bench.look(0, 0.1)
    assert bench.answers[0].made_of == "device"
    assert not bench.sent(PartsOffload)
    assert bench.session.probe_bytes == 16 * 1024


def test_after_an_answer_of_the_device_alone_the_idle_uplink_is_probed_again():
    bench = Bench(rate_bps=1e4)  # too slow for anything
    assert len(bench.sent(Probe)) == 1
    bench.capture(0, 13.2)
    bench.look(0, 13.3)
    assert bench.answers[0].made_of == "device"
    assert len(bench.sent(Probe)) == 2


def test_a_link_that_recovers_is_used_again():
    bench = Bench(rate_bps=1e4)
    now = 13.2
    for number in range(8):
        bench.capture(number, now)
        bench.look(number, now + 0.1)
        if bench.of(EncodeWork):
            break
        bench.receive(Probed(number=number + 2), now + 0.101)
        now += 1
    assert bench.of(EncodeWork)
    assert number == 5  # the harmonic mean holds the slow observation that long


def test_the_better_the_link_the_better_the_qualities():
    best = []
    for rate_bps in (1e6, 4e6, 64e6):
        bench = Bench(rate_bps=rate_bps)
        bench.capture(0, 1.0)
        bench.look(0, 1.1, classes=2)
        best.append(bench.of(EncodeWork)[-1].plan.class_qualities[2])
    assert best[0] < best[1] < best[2] == 100


def test_the_budget_is_what_fits_between_look_and_cloud():
    bench = Bench(rate_bps=8e6)
    offloaded(bench)
    bench.result(0, 1.3)
    # 0.4 s - 0.1 s for looking - 0.1 s for the cloud leave 0.2 s at 8 Mbit/s.
    assert bench.answers[0].budget_bytes == pytest.approx(200_000)
    assert bench.answers[0].expected_bytes <= 200_000


@pytest.mark.parametrize(("late", "budget"), [("device", 150_000), ("kept", 200_000)])
def test_what_would_come_when_the_device_answers_already_is_not_in_the_budget(late, budget):
    bench = Bench(rate_bps=8e6, guard_s=0.05, late=late)
    offloaded(bench)
    bench.result(0, 1.3)
    assert bench.answers[0].budget_bytes == pytest.approx(budget)


def test_the_budget_that_a_policy_sees_before_the_look_counts_from_then_too():
    budgets = []

    class Asking(Hyperion):
        def look(self, state):
            budgets.append(state.budget_bytes(OffloadPlan(jpeg_quality=90)))
            return super().look(state)

    Bench(Asking(), rate_bps=8e6).capture(0, 10.0)
    # 0.4 s - 0.1 s for the cloud leave 0.3 s at 8 Mbit/s.
    assert budgets == [pytest.approx(300_000)]


def test_a_lost_server_costs_the_offload_and_not_the_answer():
    bench = Bench()
    offloaded(bench)
    bench.receive(Stranger(), 1.2)
    assert bench.answers[0].made_of == "device"
    assert bench.answers[0].latency_s == pytest.approx(0.2)
    assert bench.of(Lost)
    assert bench.of(OffloadDone)[0].record.failed


def test_a_server_that_says_no_leaves_the_frame_to_the_device():
    bench = Bench()
    offloaded(bench)
    bench.receive(Failure(offload_id=0, text="busy"), 1.2)
    assert bench.answers[0].made_of == "device"
    assert bench.of(OffloadDone)[0].reason == "busy"


def test_a_busy_server_is_spared_the_next_frames_for_a_while():
    bench = Bench()
    offloaded(bench)
    bench.receive(Failure(offload_id=0, text="the server is busy", busy=True), 1.2)
    until = bench.session._offloads._reluctance.until
    assert 1.2 < until <= 1.2 + FIRST_S
    # Each answer of the device alone has the uplink probed.
    bench.receive(Probed(number=bench.sent(Probe)[-1].number), 1.21)
    bench.capture(1, 1.21)
    bench.look(1, until - 0.01)
    assert [work.offload_id for work in bench.of(EncodeWork)] == [0]
    assert [answer.made_of for answer in bench.answers] == ["device", "device"]
    bench.receive(Probed(number=bench.sent(Probe)[-1].number), until)
    bench.capture(2, until)
    bench.look(2, until + 0.1)
    assert [work.offload_id for work in bench.of(EncodeWork)] == [0, 2]


def test_a_silent_server_is_looked_for_while_the_device_answers():
    bench = Bench()
    now = 1.0
    for number in range(40):
        bench.capture(number, now)
        for work in bench.of(LookWork)[len(bench.answers) :][:1]:
            bench.look(work.number, now + 0.05)
        for work in bench.of(EncodeWork):
            bench.encoded(work.offload_id, now + 0.05)
        now += 0.5
        bench.advance(now)
    assert len(bench.answers) >= 39
    assert all(answer.made_of == "device" and answer.valid for answer in bench.answers[1:])
    assert bench.of(Redial)
    assert bench.of(Lost)


def test_a_server_that_comes_back_is_used_again():
    bench = Bench()
    offloaded(bench)
    bench.receive(Stranger(), 1.2)
    bench.receive(WELCOME, 1.3)
    assert len(bench.of(Connected)) == 2
    bench.receive(Probed(number=2), 1.31)
    offloaded(bench, 1, 2.0)
    bench.result(1, 2.3)
    assert bench.answers[-1].made_of == "both"


def test_a_server_that_refuses_the_device_is_named():
    refusal = encode(Failure(offload_id=None, text="unknown model"))
    with pytest.raises(ProtocolError, match="unknown model"):
        Bench(connected=False).session.receive(refusal, 0.1)
    bench = Bench()
    bench.receive(Failure(offload_id=None, text="malformed"), 0.2)
    assert not bench.of(Lost)  # it is here all the same
    bench.receive(Stranger(), 0.3)
    for now in (0.4, 0.5):
        bench.receive(Failure(offload_id=None, text="unknown model"), now)
    assert [lost.reason for lost in bench.of(Lost)][1:] == ["the server refuses this device: unknown model"]


def test_a_frame_whose_device_result_is_due_any_moment_is_not_sent_any_more():
    bench = Bench(CloudOnly())
    bench.capture(0, 1.0)
    bench.advance(1.4)  # the device is still looking
    bench.encoded(0, 1.45)
    assert not bench.sent(PartsOffload)
    bench.look(0, 1.5)
    assert (bench.answers[0].made_of, bench.answers[0].valid) == ("device", False)


def test_nothing_is_sent_behind_an_offload_that_is_late():
    bench = Bench()
    offloaded(bench, 0, 1.0)
    bench.capture(1, 1.4)
    bench.look(1, 1.5)
    assert [answer.made_of for answer in bench.answers] == ["device", "device"]
    assert len(bench.sent(PartsOffload)) == 1


def test_a_late_acknowledgement_teaches_the_link():
    slow = Bench(rate_bps=64e6)
    offloaded(slow, 0, 1.0)
    before = slow.answers, slow.session._uplink.rate_bps
    slow.advance(1.4)
    slow.receive(Ack(offload_id=0), 3.0)
    assert slow.session._uplink.rate_bps < before[1] / 100


def test_a_frame_answered_while_it_was_encoded_is_not_sent():
    bench = Bench()
    bench.capture(0, 1.0)
    bench.look(0, 1.1)
    bench.advance(1.4)
    bench.encoded(0, 1.45)
    assert not bench.sent(PartsOffload)
    assert bench.of(OffloadDone)[0].record.failed


def test_one_frame_at_a_time_unless_it_is_pipelined():
    plain, pipelined = Bench(), Bench(pipelined=True)
    for bench in (plain, pipelined):
        offloaded(bench, 0, 1.0)
        bench.capture(1, 1.15)
    assert len(plain.of(LookWork)) == 1
    assert len(pipelined.of(LookWork)) == 2


def test_a_pipelined_frame_waits_for_the_uplink():
    bench = Bench(pipelined=True)
    offloaded(bench, 0, 1.0)
    bench.capture(1, 1.12)
    bench.look(1, 1.2)
    assert len(bench.of(EncodeWork)) == 1
    bench.receive(Ack(offload_id=0), 1.25)
    assert len(bench.of(EncodeWork)) == 2


def test_a_pipelined_frame_that_waits_in_vain_is_answered_before_its_deadline():
    bench = Bench(pipelined=True)
    bench.capture(0, 1.0)
    bench.capture(1, 1.05)
    bench.look(0, 1.1)
    bench.encoded(0, 1.1)
    bench.look(1, 1.2)
    bench.advance(1.34)
    assert not bench.answers
    bench.advance(1.36)  # 0.1 s before its deadline not even the cloud's own time would be left
    (answer,) = bench.answers
    assert (answer.frame.index, answer.made_of, answer.valid) == (1, "device", True)


def test_a_pipelined_frame_behind_a_late_one_is_answered_at_once():
    bench = Bench(pipelined=True)
    offloaded(bench, 0, 1.0)
    bench.capture(1, 1.12)
    bench.look(1, 1.2)
    bench.advance(1.4)
    assert [(answer.frame.index, answer.made_of) for answer in bench.answers] == [(0, "device"), (1, "device")]


def test_the_fallback_looks_beside_the_offload_of_a_policy_that_needs_no_look():
    bench = Bench(CloudOnly())
    bench.capture(0, 1.0)
    assert len(bench.of(LookWork)) == len(bench.of(EncodeWork)) == 1
    bench.encoded(0, 1.01)
    bench.result(0, 1.2)
    assert bench.answers[0].made_of == "cloud"


def test_no_fallback_looks_where_the_last_answer_is_kept():
    bench = Bench(CloudOnly(), late="kept")
    bench.capture(0, 1.0)
    assert not bench.of(LookWork)
    assert len(bench.of(EncodeWork)) == 1


def test_a_device_still_looking_at_an_answered_frame_begins_the_next_after_it():
    bench = Bench(CloudOnly())
    bench.capture(0, 1.0)
    bench.encoded(0, 1.01)
    bench.receive(Ack(offload_id=0), 1.1)
    bench.capture(1, 1.1)
    bench.result(0, 1.15)
    assert len(bench.of(LookWork)) == 1
    bench.look(0, 1.2)
    assert [work.number for work in bench.of(LookWork)] == [0, 1]


def test_elf_sends_the_whole_frame_and_then_where_the_objects_go():
    bench = Bench(ElfV(overview_every=100))
    bench.capture(0, 1.0)
    bench.encoded(0, 1.0)
    bench.receive(Ack(offload_id=0), 1.1)
    bench.result(0, 1.2)
    bench.capture(1, 1.25)
    plans = [work.plan for work in bench.of(EncodeWork)]
    assert plans[0].views == (View.whole(SIZE),)
    assert sum(view.pixels for view in plans[1].views) < SIZE[0] * SIZE[1]


def test_remix_keeps_the_last_answer_where_it_does_not_look():
    bench = Bench(RemixLike(rows=1, columns=2, margin=0, unknown=0.1, kept=1.0, refresh=100))
    bench.capture(0, 1.0)
    bench.look(0, 1.1)
    bench.capture(1, 1.2)
    plan = bench.of(LookWork)[-1].plan
    assert plan.kept
    nothing = Look(detections=Detections.empty(NAMES))
    bench.take(bench.session.looked(1, nothing, 1.3), 1.3)
    assert bench.answers[-1].detections == DEVICE


def test_every_frame_is_displayed_one_interval_after_its_capture():
    bench = Bench()
    offloaded(bench)
    bench.advance(1.1)
    bench.result(0, 1.3)
    bench.capture(1, 1.35)
    bench.advance(1.46)
    first, second = bench.of(Displayed)
    assert (first.displayed_at, first.source) == (1.1, None)
    assert second.source.index == 0


def test_heartbeats_go_over_an_idle_link_and_find_what_was_lost():
    bench = Bench()
    offloaded(bench)
    ping = bench.sent(Ping)[-1].number
    bench.receive(Pong(number=ping), 1.11)
    assert not bench.answers  # it left before the frame
    bench.advance(2.3)
    assert bench.sent(Ping)[-1].number == ping + 1
    bench.receive(Pong(number=ping + 1), 2.35)
    assert bench.of(OffloadDone)[0].reason == "the frame was lost on its way"


def test_an_offload_without_a_result_is_given_up():
    bench = Bench(offload_timeout_s=1.0)
    offloaded(bench)
    bench.advance(2.2)
    assert bench.of(OffloadDone)[0].reason == "no result within 1 s"


def test_the_end_waits_for_what_is_owed():
    bench = Bench()
    offloaded(bench)
    bench.session.end()
    assert not bench.session.finished
    bench.result(0, 1.3)
    assert bench.session.finished


def test_an_abandoned_run_waits_for_nothing():
    bench = Bench()
    offloaded(bench)
    bench.take(bench.session.abandon(1.2), 1.2)
    assert bench.session.finished
    assert bench.answers[0].made_of == "device"


def test_a_bad_message_is_refused_before_the_welcome_and_ignored_after_it():
    with pytest.raises(ProtocolError):
        Bench(connected=False).session.receive(b"no message", 0.1)
    Bench().session.receive(b"no message", 0.1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"deadline_s": 0},
        {"late": "never"},
        {"score_threshold": 2},
        {"probe_bytes": 0},
        {"guard_s": 0.5},
        {"offload_timeout_s": np.nan},
    ],
)
def test_impossible_rules_are_refused(wrong):
    with pytest.raises(InputError):
        AnswerRules(**wrong)


def test_what_is_shown_never_goes_back_to_an_older_frame():
    bench = Bench(pipelined=True)
    offloaded(bench, 0, 1.0)
    bench.receive(Ack(offload_id=0), 1.11)
    bench.capture(1, 1.12)
    bench.take(bench.session.looked(1, Look(detections=seen(77.0)), 1.2), 1.2)  # no classes: the device answers
    bench.result(0, 1.3)
    bench.capture(2, 1.35)
    bench.advance(1.5)
    assert [answer.frame.index for answer in bench.answers] == [1, 0]
    assert bench.of(Displayed)[-1].source.index == 1
