import numpy as np
import pytest

from foveate.core import ExpertCard, InputError, ProtocolError, SampleTimes
from foveate.device.sample_events import ClassifySample, EncodeSample, RosterChanged, SampleDone, SendToExperts
from foveate.device.sample_session import DeviceSettings, SampleSession
from foveate.estimators.combination import Combination
from foveate.estimators.power import EDGE_AND_T4
from foveate.estimators.sample_costs import SampleCosts
from foveate.network.expert_messages import (
    Answer,
    AskRoster,
    NoAnswer,
    NotKnown,
    Received,
    Roster,
    Sample,
    decode_from_edge,
    encode_expert_message,
)
from foveate.network.messages import Ping, Pong
from foveate.policies.routing import AskExpert, NearEdge

TIMES = SampleTimes(
    source="test",
    generalist_s=0.01,
    expert_on_device_s=0.02,
    encode_s=0.001,
    decode_s=0.001,
    batch_s=0.001,
    sample_s=0.001,
)
CARDS = (ExpertCard(name="low", subset=(0, 1)), ExpertCard(name="high", subset=(2, 3)))
UNSURE = np.array([0.0, 0.0, 0.4, 0.5], np.float32)
SURE = np.array([9.0, 0, 0, 0], np.float32)


def started(router=None, **changes):
    """A session that knows both experts and a round trip of 20 ms."""
    settings = DeviceSettings(router=router or AskExpert(threshold=0.6, top_k=2), temperature=1.0, **changes)
    session = SampleSession(settings, SampleCosts(TIMES, EDGE_AND_T4))
    assert sent(session.tick(0.0)) == [AskRoster()]
    deliver(session, Roster.of(CARDS, revision=1, classes=4), 0.02)
    (ping,) = sent(session.tick(0.03))
    deliver(session, Pong(number=ping.number), 0.05)
    return session


def deliver(session, message, now):
    return list(session.receive(encode_expert_message(message), now))


def sent(events):
    return [decode_from_edge(event.payload) for event in events if isinstance(event, SendToExperts)]


def answer(sample, best=2, **durations):
    logits = np.zeros(4, "<f4")
    logits[best] = 5
    spans = {"queue_s": 0.01, "decode_s": 0.001, "inference_s": 0.002, "batch": 2} | durations
    return Answer(sample_id=sample, logits=logits.tobytes(), **spans)


def asked(session, sample=0, label=2, at=1.0):
    """A sample that was sent at `at`."""
    assert session.arrived(sample, label, at - 0.02) == [ClassifySample(sample=sample)]
    assert session.classified(sample, UNSURE, at - 0.01, took_s=0.01) == [EncodeSample(sample=sample)]
    (message,) = sent(session.encoded(sample, b"jpeg", at, took_s=0.01))
    assert (message.sample_id, message.expert, message.picture) == (sample, "high", b"jpeg")


def only_record(events):
    (event,) = [event for event in events if isinstance(event, SampleDone)]
    return event.record


def test_a_sure_sample_is_answered_here():
    session = started()
    session.arrived(0, 0, 1.0)
    record = only_record(session.classified(0, SURE, 1.03, took_s=0.01))
    assert (record.answerer, record.answer, record.expert, record.reason) == ("generalist", 0, None, "sure")
    assert record.is_right
    assert record.latency_s == pytest.approx(0.03)
    assert record.wait_s == pytest.approx(0.02)


def test_an_unsure_sample_is_answered_by_its_expert_and_its_stages_add_up():
    session = started()
    asked(session)
    deliver(session, Received(sample_id=0), 1.03)
    record = only_record(deliver(session, answer(0), 1.06))
    assert (record.answerer, record.answer, record.expert, record.batch) == ("expert", 2, "high", 2)
    assert record.generalist_class == 3
    assert record.uplink_s == pytest.approx(0.02)  # received after 30 ms, of which half a round trip is the way back
    stages = ("wait_s", "generalist_s", "encode_s", "uplink_s", "queue_s", "decode_s", "inference_s", "downlink_s")
    assert sum(getattr(record, name) for name in stages) == pytest.approx(record.latency_s)


def test_stages_add_up_whatever_a_server_claims():
    session = started()
    asked(session)
    record = only_record(deliver(session, answer(0, queue_s=50.0), 1.06))
    assert record.queue_s == pytest.approx(0.06)
    assert record.downlink_s == 0


def test_the_generalist_answers_for_an_expert_that_gives_none():
    session = started()
    asked(session)
    record = only_record(deliver(session, NoAnswer(sample_id=0, text="its expert died"), 1.1))
    assert (record.answerer, record.answer, record.expert) == ("fallback", 3, "high")
    assert record.reason == "its expert died"


def test_the_generalist_answers_when_an_answer_takes_too_long_and_a_late_one_changes_nothing():
    session = started(timeout_s=0.5)
    asked(session)
    assert session.next_at <= 1.5
    record = only_record(session.tick(1.5))
    assert (record.answerer, record.reason) == ("fallback", "timeout")
    assert deliver(session, answer(0), 1.6) == []


def test_a_roster_without_an_expert_answers_those_who_wait_for_it_and_routes_the_next_elsewhere():
    session = started()
    asked(session)
    events = deliver(session, Roster.of(CARDS[:1], revision=2, classes=4), 1.05)
    assert RosterChanged(experts=CARDS[:1]) in events
    assert only_record(events).reason == "its expert is gone"
    session.arrived(1, 0, 1.1)
    assert only_record(session.classified(1, UNSURE, 1.2, took_s=0.01)).reason == "uncovered"


def test_an_expert_that_goes_while_its_sample_is_compressed_is_not_asked():
    session = started()
    session.arrived(0, 2, 1.0)
    session.classified(0, UNSURE, 1.01, took_s=0.01)
    deliver(session, Roster.of(CARDS[:1], revision=2, classes=4), 1.015)
    assert only_record(session.encoded(0, b"x", 1.02, took_s=0.01)).answerer == "fallback"


def test_without_a_generalist_samples_go_out_at_once_and_it_runs_only_where_no_answer_comes():
    session = started(NearEdge())
    assert session.arrived(0, 2, 1.0) == [EncodeSample(sample=0)]
    session.encoded(0, b"x", 1.01, took_s=0.01)
    assert deliver(session, NoAnswer(sample_id=0, text="gone"), 1.02) == [ClassifySample(sample=0)]
    record = only_record(session.classified(0, UNSURE, 1.05, took_s=0.02))
    assert (record.answerer, record.answer, record.generalist_s) == ("fallback", 3, 0.02)


def test_both_answers_are_combined_as_the_settings_say():
    session = started(combination=Combination(generalist_share=1.0))
    asked(session)
    assert only_record(deliver(session, answer(0, best=0), 1.06)).answer == 3


def test_a_forgotten_device_greets_again():
    session = started()
    assert sent(deliver(session, NotKnown(), 1.0)) == [AskRoster()]


def test_heartbeats_measure_an_idle_link_alone():
    session = started()
    asked(session)
    (ping,) = [m for m in sent(session.tick(1.4)) if isinstance(m, Ping)]
    deliver(session, Pong(number=ping.number), 1.9)
    deliver(session, Received(sample_id=0), 1.9)
    record = only_record(deliver(session, answer(0), 1.95))
    assert record.uplink_s == pytest.approx(0.89)  # still with the round trip of 20 ms


def test_a_heartbeat_behind_a_sample_that_was_given_up_measures_nothing():
    session = started(timeout_s=0.5)
    asked(session)
    (ping,) = [m for m in sent(session.tick(1.6)) if isinstance(m, Ping)]
    deliver(session, Pong(number=ping.number), 1.605)  # had it counted, 5 ms would be the new minimum
    asked(session, sample=1, at=2.0)
    deliver(session, Received(sample_id=1), 2.03)
    assert only_record(deliver(session, answer(1), 2.06)).uplink_s == pytest.approx(0.02)


def test_an_answer_of_the_wrong_length_is_no_answer():
    session = started()
    asked(session)
    short = Answer(sample_id=0, logits=b"\0" * 8, queue_s=0, decode_s=0, inference_s=0, batch=1)
    record = only_record(deliver(session, short, 1.05))
    assert record.answerer == "fallback"
    assert "4 float32 logits" in record.reason


@pytest.mark.parametrize("changes", [{"temperature": 0.0}, {"temperature": np.nan}, {"timeout_s": np.nan}])
def test_settings_that_cannot_be_are_refused(changes):
    with pytest.raises(InputError, match="must be positive"):
        DeviceSettings(**{"router": AskExpert(), "temperature": 1.0} | changes)


def test_a_sample_message_holds_the_picture_and_nothing_of_the_label():
    message = Sample(sample_id=1, expert="low", picture=b"abc")
    assert set(message.__struct_fields__) == {"sample_id", "expert", "picture"}


@pytest.mark.parametrize("message", [answer(0), NoAnswer(sample_id=0, text="no"), Received(sample_id=0)])
def test_what_is_said_of_a_sample_before_it_was_sent_changes_nothing(message):
    session = started()
    session.arrived(0, 2, 1.0)
    assert deliver(session, message, 1.001) == []
    assert session.classified(0, UNSURE, 1.01, took_s=0.01) == [EncodeSample(sample=0)]
    assert deliver(session, message, 1.015) == []
    session.encoded(0, b"x", 1.02, took_s=0.01)
    assert only_record(deliver(session, answer(0), 1.06)).uplink_s == pytest.approx(0.027)


@pytest.mark.parametrize("payload", [b"noise", b"fv\x00", encode_expert_message(Ping(number=1)), b""])
def test_noise_ends_a_start_but_changes_nothing_later(payload):
    session = started()
    asked(session)
    assert session.receive(payload, 1.01) == []
    assert only_record(deliver(session, answer(0), 1.06)).answerer == "expert"
    settings = DeviceSettings(router=AskExpert(), temperature=1.0)
    with pytest.raises(ProtocolError):
        SampleSession(settings, SampleCosts(TIMES, EDGE_AND_T4)).receive(payload, 0.0)


def test_a_roster_with_classes_that_do_not_exist_is_not_taken_over():
    session = started()
    strange = (ExpertCard(name="odd", subset=(2, 9)),)
    assert deliver(session, Roster.of(strange, revision=2, classes=4), 1.0) == []
    assert session.experts == CARDS


def test_experts_of_other_classes_than_the_generalist_answer_nothing():
    session = started()
    deliver(session, Roster.of(CARDS, revision=2, classes=10), 0.5)
    asked(session)
    wide = Answer(sample_id=0, logits=bytes(40), queue_s=0, decode_s=0, inference_s=0, batch=1)
    record = only_record(deliver(session, wide, 1.05))
    assert (record.answerer, record.answer) == ("fallback", 3)
    assert record.reason == "experts answer over 10 classes, the generalist over 4"
