"""The link model against arithmetic on paper."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveate.core import InputError
from foveate.network.link import QUEUE_BYTES, Link
from foveate.network.trace import UplinkTrace

TEN = UplinkTrace.constant(10e6, 0.04, 10)


def steps(mbps, rtt_ms):
    return UplinkTrace(name="t", bps=np.array(mbps) * 1e6, rtt_s=np.array(rtt_ms) / 1e3)


def test_a_message_takes_its_bits_and_half_a_round_trip():
    assert Link(TEN).send(0.0, 125_000) == pytest.approx(0.1 + 0.02)
    assert Link(TEN, started_at=100.0).send(100.5, 125_000) == pytest.approx(100.62)
    assert Link(TEN).send(0.5, 0) == pytest.approx(0.52)


def test_messages_wait_for_one_another():
    link = Link(TEN)
    assert link.send(0.0, 125_000) == pytest.approx(0.12)
    assert link.send(0.05, 12_500) == pytest.approx(0.13)
    assert link.idle_at == pytest.approx(0.11)
    assert link.send(1.0, 12_500) == pytest.approx(1.03)


def test_the_round_trip_is_that_of_the_departure_and_nothing_overtakes():
    trace = steps([8, 8, 8], [20, 400, 20])
    assert Link(trace).send(0.0, 50_000) == pytest.approx(0.06)
    link = Link(trace)
    slow = link.send(0.19, 5_000)  # leaves at 0.195, travels 0.2
    assert slow == pytest.approx(0.395)
    assert link.send(0.2, 1_000) == slow  # leaves at 0.201 and would travel 0.01


def test_a_long_message_is_held_by_those_of_its_bytes_that_left_in_slow_times():
    trace = steps([8, 8, 8, 8], [20, 400, 20, 20])
    assert Link(trace).send(0.15, 100_000) == pytest.approx(0.4, abs=0.01)  # its last byte left at 0.25


@given(st.lists(st.tuples(st.floats(0, 0.5), st.integers(0, 60_000)), max_size=8))
def test_arrivals_never_run_back_and_each_leaves_room_for_propagation(messages):
    link, now, last = Link(steps([5, 0, 20], [20, 90, 40])), 0.0, 0.0
    for wait, nbytes in messages:
        now += wait
        arrival = link.send(now, nbytes)
        assert arrival >= max(last, link.idle_at + 0.01, now + 0.01) - 1e-9
        last = arrival


@given(st.integers(1, 400_000), st.integers(1, 400_000))
def test_one_message_or_its_parts_arrive_together(first, second):
    trace = steps([5, 0, 20], [30, 30, 30])
    parts = Link(trace)
    parts.send(0.0, first)
    assert parts.send(0.0, second) == pytest.approx(Link(trace).send(0.0, first + second), abs=1e-5)


def test_the_queue_counts_what_has_not_left():
    link = Link(TEN)
    link.send(0.0, 200_000)
    assert link.queued_bytes(0.0) == 200_000
    assert link.queued_bytes(0.08) == 100_000
    assert link.room_bytes(0.08) == QUEUE_BYTES - 100_000
    assert link.queued_bytes(1.0) == 0
    assert link.room_bytes(1.0) == QUEUE_BYTES


def test_room_opens_when_enough_has_left():
    link = Link(TEN)
    link.send(0.0, QUEUE_BYTES)
    assert link.room_bytes(0.0) == 0
    opens = link.room_at(0.0, 12_500)
    assert opens == pytest.approx(0.01)
    assert link.room_bytes(opens + 1e-9) == pytest.approx(12_500, abs=1)
    assert link.room_at(5.0, 1000) == 5.0


def test_replies_travel_only():
    link = Link(steps([8, 8], [40, 10]))
    assert link.reply(0.09) == pytest.approx(0.11)
    assert link.reply(0.1) == pytest.approx(0.11)
    assert link.reply(0.15) == pytest.approx(0.155)


def test_pieces_follow_the_rate_between_a_packet_and_8_kib():
    sizes = [Link(UplinkTrace.constant(bps, 0.04, 1)).piece_bytes(0.0) for bps in (1e5, 16e6, 1e9)]
    assert sizes == [1500, 4000, 8192]


def test_negative_sizes_are_refused():
    with pytest.raises(InputError, match="at least 0"):
        Link(TEN).send(0.0, -1)
