from contextlib import suppress

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveate.core import ExpertCard, ProtocolError
from foveate.network.expert_messages import (
    Answer,
    AskRoster,
    NoAnswer,
    NotKnown,
    Received,
    Roster,
    RosterEntry,
    Sample,
    decode_from_edge,
    decode_from_experts,
    encode_expert_message,
)
from foveate.network.messages import Ping, Pong, decode_from_device

CARDS = (ExpertCard(name="a", subset=(0, 2)), ExpertCard(name="b", subset=(1,), relative_size=2.5))
LOGITS = np.array([1, -2, 0.5], "<f4").tobytes()
ANSWER = Answer(sample_id=1, logits=LOGITS, queue_s=0.1, decode_s=0.01, inference_s=0.02, batch=3)


@pytest.mark.parametrize("message", [AskRoster(), Sample(sample_id=3, expert="a", picture=b"xyz"), Ping(number=4)])
def test_what_a_device_says_comes_back(message):
    assert decode_from_edge(encode_expert_message(message)) == message


@pytest.mark.parametrize(
    "message",
    [
        Roster.of(CARDS, revision=7, classes=3),
        Received(sample_id=2),
        ANSWER,
        NoAnswer(sample_id=None, text="no"),
        NotKnown(),
        Pong(number=4),
    ],
)
def test_what_a_server_says_comes_back(message):
    assert decode_from_experts(encode_expert_message(message)) == message


def test_a_roster_holds_the_cards():
    assert Roster.of(CARDS, revision=1, classes=3).cards() == CARDS


def test_a_roster_of_unsorted_classes_is_refused():
    roster = Roster(revision=1, classes=3, experts=[RosterEntry(name="a", subset=[2, 0], relative_size=1.0)])
    with pytest.raises(ProtocolError, match="ascending"):
        roster.cards()


def test_an_answer_needs_a_finite_logit_for_each_class():
    assert ANSWER.scores(3).tolist() == [1, -2, 0.5]
    with pytest.raises(ProtocolError, match="4 float32 logits, got 12 bytes"):
        ANSWER.scores(4)
    wild = msgspec.structs.replace(ANSWER, logits=np.array([np.nan, 0, 0], "<f4").tobytes())
    with pytest.raises(ProtocolError, match="not finite"):
        wild.scores(3)


def test_a_detection_server_does_not_take_samples():
    with pytest.raises(ProtocolError, match="malformed"):
        decode_from_device(encode_expert_message(AskRoster()))


@pytest.mark.parametrize(("decode", "kind"), [(decode_from_edge, "ask-roster"), (decode_from_experts, "not-known")])
def test_deep_nesting_in_an_unknown_field_is_malformed(decode, kind):
    deep = msgspec.msgpack.encode({"type": kind, "x": msgspec.Raw(b"\x91" * 20_000 + b"\xc0")})
    with pytest.raises(ProtocolError, match="malformed"):
        decode(encode_expert_message(AskRoster())[:3] + deep)


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=80), sound=st.booleans())
def test_any_bytes_are_a_message_or_a_protocol_error(data, sound):
    payload = encode_expert_message(AskRoster())[:3] + data if sound else data
    for decode in (decode_from_edge, decode_from_experts):
        with suppress(ProtocolError):
            decode(payload)
