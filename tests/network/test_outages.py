"""A trace that is cut now and then, against integration in small steps."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from foveate.core import InputError
from foveate.network.outages import InterruptedTrace, Outage
from foveate.network.trace import UplinkTrace

TEN = UplinkTrace.constant(10e6, 0.04, 10)

outages = st.lists(
    st.builds(
        Outage, start_s=st.integers(0, 60).map(lambda k: k / 20), seconds=st.integers(1, 20).map(lambda k: k / 20)
    ),
    max_size=4,
)
lines = st.builds(
    lambda rates, cuts: InterruptedTrace(
        UplinkTrace(name="t", bps=np.array(rates) * 1e6, rtt_s=np.array([30, 90, 200, 40]) / 1e3), cuts
    ),
    st.lists(st.sampled_from((0, 1, 8, 40)), min_size=4, max_size=4).filter(any),
    outages,
)
times = st.floats(0, 5)


def test_an_outage_is_written_start_and_seconds():
    assert Outage.parse("3:2.5") == Outage(start_s=3, seconds=2.5)
    assert Outage.parse("0:1").end_s == 1


@pytest.mark.parametrize("text", ["", "3", "3:", ":2", "3:0", "3:-1", "-1:2", "a:b", "1:2:3", "nan:1", "1:inf"])
def test_what_is_no_outage_is_refused_in_one_line(text):
    with pytest.raises(InputError, match=r"an outage is START:SECONDS.*got") as caught:
        Outage.parse(text)
    assert "\n" not in str(caught.value)
    assert repr(text) in str(caught.value)


def test_what_waits_passes_when_the_link_is_whole_again():
    line = InterruptedTrace(TEN, [Outage(start_s=1, seconds=2)])
    assert line.finish_at(0.95, 125_000) == pytest.approx(3.05)
    assert line.finish_at(0.9, 125_000) == pytest.approx(1.0)
    assert line.finish_at(1.5, 1_250) == pytest.approx(3.001)
    assert line.finish_at(1.5, 0) == 3
    assert [line.rate_at(t) for t in (0.99, 1, 2.99, 3)] == [10e6, 0, 0, 10e6]
    assert line.bits_between(0.5, 3.5) == pytest.approx(10e6)


def test_what_is_cut_on_its_way_travels_again_afterwards():
    line = InterruptedTrace(TEN, [Outage(start_s=1, seconds=2)])
    assert line.arrival_at(0.97) == pytest.approx(0.99)
    assert line.arrival_at(0.99) == pytest.approx(3.02)
    assert line.arrival_at(2.0) == pytest.approx(3.02)
    assert line.arrival_at(3.0) == pytest.approx(3.02)


def test_outages_that_touch_are_one():
    cuts = [Outage(start_s=2, seconds=1), Outage(start_s=1, seconds=1), Outage(start_s=1.5, seconds=0.1)]
    line = InterruptedTrace(TEN, cuts)
    assert line.finish_at(1.2, 1_250) == pytest.approx(3.001)
    assert line.bits_between(0, 4) == pytest.approx(20e6)


@given(lines, times, st.integers(1, 1_000_000))
def test_finish_is_the_inverse_of_bits_between(line, start, nbytes):
    finish = line.finish_at(start, nbytes)
    assert finish >= start
    assert line.bits_between(start, finish) == pytest.approx(8 * nbytes, rel=1e-9, abs=0.1)


@given(lines, times, times)
def test_bits_are_the_sum_of_the_rates_outside_the_cuts(line, a, b):
    a, b = sorted((round(a, 2), round(b, 2)))
    assume(b - a > 0.01)
    steps = np.arange(round(a * 100), round(b * 100)) / 100
    expected = sum(line.rate_at(t + 0.005) for t in steps) * 0.01
    assert line.bits_between(a, b) == pytest.approx(expected, rel=1e-6, abs=1)


@given(lines, outages, times)
def test_nothing_arrives_in_a_cut(line, cuts, departure):
    line = InterruptedTrace(TEN, cuts)
    arrival = line.arrival_at(departure)
    assert arrival >= departure + 0.02 - 1e-12
    assert not any(cut.start_s < arrival < cut.end_s for cut in cuts)


def test_without_outages_it_is_the_trace():
    line = InterruptedTrace(TEN)
    assert line.finish_at(0.3, 5000) == TEN.finish_at(0.3, 5000)
    assert line.bits_between(0.3, 12) == TEN.bits_between(0.3, 12)
    assert line.arrival_at(0.3) == 0.32
