import pytest

from foveate.core import ManualClock
from foveate.server.events import LoopTurned
from foveate.server.watch import Health

TURN = LoopTurned(waiting=0, running=0, received_bytes=0)


@pytest.fixture
def clock():
    return ManualClock(100)


@pytest.fixture
def health(clock):
    return Health(clock, stall_s=5)


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
