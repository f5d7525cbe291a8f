import numpy as np
import pytest

from foveate.core import ExpertCard, InputError
from foveate.network.expert_messages import (
    Answer,
    AskRoster,
    NoAnswer,
    NotKnown,
    Received,
    Roster,
    Sample,
    decode_from_experts,
    encode_expert_message,
)
from foveate.network.messages import Ping, Pong
from foveate.server.expert_session import MOST_WAITING, Batching, BatchOutcome, ExpertServerSession

ANIMALS, VEHICLES = ExpertCard(name="animals", subset=(0, 1)), ExpertCard(name="vehicles", subset=(2, 3))


@pytest.fixture
def session():
    made = ExpertServerSession(4, batching=Batching(most_in_batch=2, wait_s=0.01))
    for card in (ANIMALS, VEHICLES):
        made.deploy(card)
    told(made.receive(b"a", encode_expert_message(AskRoster()), 0.0))
    return made


def told(replies):
    return [(reply.client, decode_from_experts(reply.payload)) for reply in replies]


def ask(session, sample, expert="animals", now=0.0, client=b"a"):
    message = Sample(sample_id=sample, expert=expert, picture=b"x")
    return told(session.receive(client, encode_expert_message(message), now))


def outcome(batch, value=1.0):
    row = np.full(4, value, np.float32)
    return BatchOutcome(logits=tuple(row for _ in batch.pictures), decode_s=0.001, inference_s=0.002)


def test_a_device_must_ask_for_the_roster_first(session):
    assert told(session.receive(b"b", encode_expert_message(Ping(number=1)), 0.0)) == [(b"b", NotKnown())]
    roster = told(session.receive(b"b", encode_expert_message(AskRoster()), 0.0))[0][1]
    assert roster.cards() == (ANIMALS, VEHICLES)
    assert told(session.receive(b"b", encode_expert_message(Ping(number=1)), 0.0)) == [(b"b", Pong(number=1))]


def test_a_sample_is_acknowledged_at_once_and_answered_with_its_durations(session):
    assert ask(session, 7) == [(b"a", Received(sample_id=7))]
    batch = session.next_batch(0.02)
    ((client, answer),) = told(session.finished(batch, outcome(batch)))
    assert client == b"a"
    assert (answer.sample_id, answer.batch) == (7, 1)
    assert answer.queue_s == pytest.approx(0.02)
    assert answer.scores(4).tolist() == [1.0] * 4


def test_a_batch_gathers_until_it_is_full_or_its_first_sample_has_waited(session):
    ask(session, 1, now=0.0)
    assert session.next_batch(0.005) is None
    assert session.due_at == pytest.approx(0.01)
    ask(session, 2, now=0.006)
    full = session.next_batch(0.006)
    assert full.sample_ids == (1, 2)
    ask(session, 3, now=0.02)
    assert session.next_batch(0.05) is None  # its expert is busy
    session.finished(full, outcome(full))
    assert session.next_batch(0.05).sample_ids == (3,)


def test_experts_work_side_by_side(session):
    ask(session, 1, "animals")
    ask(session, 2, "vehicles")
    assert {session.next_batch(1.0).expert, session.next_batch(1.0).expert} == {"animals", "vehicles"}


def test_samples_of_several_devices_share_a_batch_and_get_their_own_answers(session):
    session.receive(b"b", encode_expert_message(AskRoster()), 0.0)
    ask(session, 1)
    ask(session, 1, client=b"b")
    batch = session.next_batch(0.0)
    assert [client for client, _ in told(session.finished(batch, outcome(batch)))] == [b"a", b"b"]


def test_an_expert_that_dies_is_told_to_whoever_waits_and_to_all_devices(session):
    ask(session, 1)
    session.next_batch(1.0)
    ask(session, 2)
    messages = [message for _, message in told(session.withdraw("animals", reason="its expert died"))]
    assert messages[:2] == [NoAnswer(sample_id=n, text="its expert died") for n in (1, 2)]
    assert isinstance(messages[2], Roster)
    assert messages[2].cards() == (VEHICLES,)


def test_an_outcome_of_an_expert_that_is_gone_answers_nobody(session):
    ask(session, 1)
    batch = session.next_batch(1.0)
    session.withdraw("animals")
    assert session.finished(batch, outcome(batch)) == []


def test_a_replaced_expert_hands_over_those_that_wait(session):
    ask(session, 1)
    ask(session, 2)
    ask(session, 3)
    running = session.next_batch(0.0)
    newer = ExpertCard(name="animals", subset=(0, 1, 2))
    lost = [m for _, m in told(session.deploy(newer)) if isinstance(m, NoAnswer)]
    assert [message.sample_id for message in lost] == list(running.sample_ids)
    assert session.next_batch(1.0).sample_ids == (3,)


def test_an_added_expert_is_announced_and_answers(session):
    roster = told(session.deploy(ExpertCard(name="food", subset=(1,))))[0][1]
    assert [card.name for card in roster.cards()] == ["animals", "vehicles", "food"]
    assert ask(session, 5, "food") == [(b"a", Received(sample_id=5))]


def test_a_sample_for_an_unknown_expert_gets_no_answer_but_a_reason(session):
    assert ask(session, 5, "plants")[1] == (b"a", NoAnswer(sample_id=5, text="there is no expert 'plants'"))


def test_too_many_samples_for_one_expert_are_refused(session):
    for sample in range(MOST_WAITING):
        ask(session, sample)
    assert ask(session, 999)[1][1].text == "its expert is busy"
    assert len(ask(session, 1000, "vehicles")) == 1


def test_a_device_that_floods_an_expert_neither_delays_others_nor_takes_their_places(session):
    session.receive(b"b", encode_expert_message(AskRoster()), 0.0)
    for sample in range(MOST_WAITING):
        ask(session, sample)
    newest = MOST_WAITING - 1
    assert ask(session, 7, client=b"b") == [
        (b"b", Received(sample_id=7)),
        (b"a", NoAnswer(sample_id=newest, text="its expert is busy")),
    ]
    batch = session.next_batch(0.0)
    assert [client for client, _ in told(session.finished(batch, outcome(batch)))] == [b"a", b"b"]
    assert batch.sample_ids == (0, 7)
    assert session.next_batch(0.0).sample_ids == (1, 2)


def test_a_picture_that_cannot_be_decoded_gets_no_answer_and_the_others_theirs(session):
    ask(session, 1)
    ask(session, 2)
    batch = session.next_batch(0.0)
    mixed = BatchOutcome(logits=(None, np.zeros(4, np.float32)), decode_s=0, inference_s=0)
    first, second = [message for _, message in told(session.finished(batch, mixed))]
    assert isinstance(first, NoAnswer)
    assert isinstance(second, Answer)


def test_what_is_no_message_is_told_so(session):
    ((_, answer),) = told(session.receive(b"a", b"nonsense", 0.0))
    assert (answer.sample_id, answer.text) == (None, "the device does not speak foveate's protocol")


@pytest.mark.parametrize("changes", [{"most_in_batch": 0}, {"wait_s": -0.1}, {"wait_s": float("nan")}])
def test_batches_that_cannot_be_are_refused(changes):
    with pytest.raises(InputError, match="at least one sample"):
        Batching(**changes)


def test_an_expert_for_classes_that_do_not_exist_is_refused(session):
    with pytest.raises(InputError, match="below 4"):
        session.deploy(ExpertCard(name="far", subset=(9,)))
    with pytest.raises(InputError, match="there are animals, vehicles"):
        session.withdraw("far")
