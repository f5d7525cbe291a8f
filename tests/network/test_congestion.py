"""The congestion window against the rules of its RFCs, acknowledgements given by hand."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveate.network.congestion import INITIAL_BYTES, SEGMENT_BYTES, CongestionWindow

RTT_S = 0.1
TIMEOUT_S = RTT_S + 0.2


def transfer(window, now, segments, rtt_s=RTT_S):
    """Send as the window allows, each segment acknowledged a round trip later; when each was sent."""
    times = []
    for _ in range(segments):
        now = window.opens_at(now, SEGMENT_BYTES)
        window.sent(now, SEGMENT_BYTES, now + rtt_s)
        times.append(now)
    return times


def opened(segments=150, now=0.0):
    """A window that was used to its full, and the time at which all is acknowledged."""
    window = CongestionWindow()
    now = transfer(window, now, segments)[-1] + RTT_S
    window.opens_at(now, SEGMENT_BYTES)
    return window, now


def test_ten_segments_leave_at_once_and_each_round_trip_twice_as_many():
    times = transfer(CongestionWindow(), 5.0, 150)
    assert [times.count(pytest.approx(5.0 + k * RTT_S)) for k in range(4)] == [10, 20, 40, 80]


def test_a_window_that_was_not_full_does_not_grow():
    window = CongestionWindow()
    for k in range(20):
        transfer(window, k * RTT_S * 1.01, 5)
    assert window.size_bytes == INITIAL_BYTES


def test_a_short_pause_keeps_the_window_and_a_long_one_takes_it_back_step_by_step():
    sizes = []
    for pause_s in (0.1, 1.1, 2.1, 3.1, 40):
        window, now = opened()
        before = window.size_bytes
        window.opens_at(now - RTT_S + pause_s * TIMEOUT_S, 1)  # the last segment was sent a round trip before `now`
        sizes.append(window.size_bytes / before)
    assert sizes[:4] == [1, 0.5, 0.25, 0.125]
    assert window.size_bytes == INITIAL_BYTES


def test_after_a_pause_it_doubles_up_to_three_quarters_of_the_old_window():
    window = CongestionWindow()
    now = transfer(window, 0.0, 150)[-1]
    window.halve()  # to 40 segments, from where it grows slowly
    now = transfer(window, now, 6000)[-1] + RTT_S
    window.opens_at(now, 1)
    old = window.size_bytes
    assert old > 80 * SEGMENT_BYTES
    now, sizes = now + 30, []
    for _ in range(5):
        window.opens_at(now, 1)
        transfer(window, now, int(window.size_bytes // SEGMENT_BYTES))
        now += RTT_S
        window.opens_at(now, 1)
        sizes.append(window.size_bytes / SEGMENT_BYTES)
    assert sizes[:2] == [20, 40]
    assert 0.75 * old <= sizes[-1] * SEGMENT_BYTES <= 0.75 * old + 4 * SEGMENT_BYTES


def test_heartbeats_do_not_keep_a_window_open():
    window, now = opened()
    for _ in range(40):
        now += 0.25
        window.opens_at(now, 20)
        window.sent(now, 20, now + RTT_S)
    assert INITIAL_BYTES <= window.size_bytes < 1.1 * INITIAL_BYTES


def test_an_overflow_halves_what_is_on_its_way_once_per_window():
    window = CongestionWindow()
    times = transfer(window, 0.0, 150)
    assert window.in_flight_bytes == 80 * SEGMENT_BYTES
    assert window.halve()
    assert window.size_bytes == 40 * SEGMENT_BYTES
    assert not window.halve()
    window.opens_at(times[-1] + RTT_S, SEGMENT_BYTES)
    assert window.in_flight_bytes == 0
    assert window.halve()
    assert window.size_bytes == 2 * SEGMENT_BYTES


def test_after_an_overflow_it_grows_by_a_segment_per_window():
    window = CongestionWindow()
    now = transfer(window, 0.0, 150)[-1]
    window.halve()
    sizes = []
    for _ in range(4):
        transfer(window, now, 40)
        now += RTT_S
        window.opens_at(now, SEGMENT_BYTES)
        sizes.append(window.size_bytes / SEGMENT_BYTES)
    assert all(0 < after - before <= 1 for before, after in pairwise(sizes))


@given(st.lists(st.tuples(st.floats(0, 2), st.integers(1, SEGMENT_BYTES), st.booleans()), max_size=200))
def test_no_more_is_on_its_way_than_the_window_holds_and_time_never_runs_back(steps):
    window, now, acked_at = CongestionWindow(), 0.0, 0.0
    for wait, nbytes, overflows in steps:
        sent_at = window.opens_at(now + wait, nbytes)
        assert sent_at >= now + wait
        if overflows and window.halve():
            sent_at = window.opens_at(sent_at, nbytes)
        assert window.in_flight_bytes + nbytes <= window.size_bytes or not window.in_flight_bytes
        now, acked_at = sent_at, max(acked_at, sent_at + RTT_S)
        window.sent(now, nbytes, acked_at)
    assert window.size_bytes >= 2 * SEGMENT_BYTES
