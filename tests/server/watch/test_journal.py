import logging

import pytest

from foveate.core import ManualClock
from foveate.server.events import (
    ClientForgotten,
    ClientGreeted,
    ClientIgnored,
    LoopTurned,
    OffloadRefused,
    ServingStarted,
)
from foveate.server.watch import Journal
from foveate.server.watch.log_format import FIELDS


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def journal(clock):
    return Journal(logging.getLogger("foveate.server"), clock)


@pytest.fixture
def told(caplog):
    """`(level, fields)` of each line."""
    caplog.set_level(logging.DEBUG, "foveate.server")
    return lambda: [(record.levelname, getattr(record, FIELDS)) for record in caplog.records]


def refusal(reason, number=1):
    return OffloadRefused(client=b"\x01\x02", offload_id=number, reason=reason, text="no")


def test_an_answer_is_told_with_its_client_its_id_and_its_stages(journal, told, answered):
    journal(answered(b"\x01\x02", number=7, batch_size=3))
    ((level, fields),) = told()
    assert level == "DEBUG"
    assert (fields["client"], fields["offload_id"], fields["frame"], fields["batch"]) == ("0102", 7, 21, 3)
    assert (fields["queue_s"], fields["decode_s"], fields["inference_s"]) == (0.01, 0.004, 0.15)
    assert (fields["objects"], fields["tokens"], fields["full_tokens"]) == (2, 78, 96)


def test_start_greetings_and_losses_are_information(journal, told, welcome):
    for event in (ServingStarted(welcome=welcome), ClientGreeted(client=b"a"), ClientForgotten(client=b"a")):
        journal(event)
    assert [(level, fields["event"]) for level, fields in told()] == [
        ("INFO", "started"),
        ("INFO", "greeted"),
        ("INFO", "forgotten"),
    ]


def test_a_client_that_is_left_unread_is_a_warning(journal, told):
    journal(ClientIgnored(client=b"\x01", span_s=5.0))
    assert told() == [("WARNING", {"event": "ignored", "client": "01", "span_s": 5.0})]


@pytest.mark.parametrize(
    ("reason", "level"), [("superseded", "DEBUG"), ("stale", "DEBUG"), ("malformed", "WARNING"), ("failed", "WARNING")]
)
def test_what_keeps_answers_fresh_is_no_warning(journal, told, reason, level):
    journal(refusal(reason))
    assert [(found, fields["reason"]) for found, fields in told()] == [(level, reason)]


def test_a_flood_of_one_reason_is_one_line_in_ten_seconds_and_hides_no_other(journal, told, clock):
    for number in range(1000):
        journal(refusal("malformed", number))
    journal(refusal("failed"))
    clock.advance_to(10)
    journal(refusal("malformed"))
    assert [(fields["reason"], fields["left_out"]) for _, fields in told()] == [
        ("malformed", 0),
        ("failed", 0),
        ("malformed", 999),
    ]


def test_a_turn_of_the_loop_is_no_news(journal, told):
    journal(LoopTurned(waiting=0, running=0, received_bytes=0))
    assert told() == []
