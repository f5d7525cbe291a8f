import pytest

from foveate.core import ManualClock
from foveate.server.events import LoopTurned, OffloadRefused
from foveate.server.watch import Health

TURN = LoopTurned(waiting=0, running=0, received_bytes=0)


@pytest.fixture
def clock():
    return ManualClock(100)


@pytest.fixture
def health(clock):
    return Health(clock, stall_s=5, hang_s=60)


def test_before_the_first_turn_the_model_is_being_loaded(health):
    assert not health.readiness().ready
    assert "being loaded" in health.readiness().reason


def test_a_loop_that_turns_is_ready(health, clock):
    health(TURN)
    clock.advance_to(104)
    assert health.readiness().ready


def test_a_loop_that_stands_still_is_not_ready_until_it_turns_again(health, clock):
    health(TURN)
    clock.advance_to(105.5)
    assert health.readiness().reason == "the loop has not turned for 5.5 s"
    assert not health.readiness().ready
    health(TURN)
    assert health.readiness().ready


def test_uptime_counts_from_the_start(health, clock):
    clock.advance_to(160)
    assert health.uptime_s == 60


def busy(health, clock, until):
    """The loop turns twice a second with one offload in the model."""
    while clock.now() < until:
        health(LoopTurned(waiting=0, running=1, received_bytes=0))
        clock.advance_to(clock.now() + 0.5)


def test_a_model_that_works_and_answers_nothing_for_a_minute_hangs(health, clock):
    busy(health, clock, until=160)
    assert health.readiness().ready
    busy(health, clock, until=161)
    assert health.readiness().reason == "the model has answered nothing for 61 s of work"


@pytest.mark.parametrize("reason", ["failed", "unusable"])
def test_a_model_that_answers_or_fails_does_not_hang(health, clock, answered, reason):
    busy(health, clock, until=150)
    health(answered())
    busy(health, clock, until=200)
    health(OffloadRefused(client=b"a", offload_id=1, reason=reason, text="", by_engine=True))
    busy(health, clock, until=250)
    assert health.readiness().ready


@pytest.mark.parametrize("reason", ["superseded", "unusable"])
def test_refusals_that_the_model_has_no_part_in_do_not_excuse_it(health, clock, reason):
    busy(health, clock, until=150)
    health(OffloadRefused(client=b"a", offload_id=1, reason=reason, text=""))
    busy(health, clock, until=161)
    assert not health.readiness().ready


def test_an_idle_model_does_not_hang(health, clock):
    busy(health, clock, until=150)
    health(TURN)
    busy(health, clock, until=200)
    assert health.readiness().ready
