"""Traces: sums, their inverse, both file formats, and what is wrong with bad files."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from foveate.core import InputError, MediaError
from foveate.network.trace import UplinkTrace

RECORDED = Path("/work/shared/data/traces")


def trace(mbps, *, rtt_s=0.03, step_s=0.1, offset_s=0.0):
    bps = np.array(mbps, float) * 1e6
    return UplinkTrace(name="t", bps=bps, rtt_s=np.full(len(bps), rtt_s), step_s=step_s, offset_s=offset_s)


rates = st.lists(st.sampled_from((0, 0.001, 1, 3.355, 20, 146.8)), min_size=1, max_size=8).filter(any)
traces = st.builds(trace, rates, offset_s=st.floats(0, 3))
times = st.floats(0, 20)


@given(traces, times, st.integers(1, 3_000_000))
def test_finish_is_the_inverse_of_bits_between(link, start, nbytes):
    assume(nbytes * 8 < 200 * link.mean_bps * link.duration_s)
    finish = link.finish_at(start, nbytes)
    assert finish > start
    assert link.bits_between(start, finish) == pytest.approx(8 * nbytes, rel=1e-9, abs=0.1)


@given(traces, times, st.integers(1, 100_000), st.integers(1, 100_000))
def test_bytes_in_two_parts_finish_when_the_whole_does(link, start, first, second):
    assume((first + second) * 8 < 200 * link.mean_bps * link.duration_s)
    whole = link.finish_at(start, first + second)
    assert link.finish_at(link.finish_at(start, first), second) == pytest.approx(whole, abs=1e-5)


@given(traces, times, times, times)
def test_spans_add_up(link, a, b, c):
    a, b, c = sorted((a, b, c))
    assert link.bits_between(a, b) + link.bits_between(b, c) == pytest.approx(
        link.bits_between(a, c), rel=1e-9, abs=1e-2
    )


def test_an_outage_waits_and_one_that_starts_at_the_end_does_not():
    link = trace([8, 0, 0, 8])  # 100,000 bytes in each of the two live steps
    assert link.finish_at(0.15, 1000) == pytest.approx(0.301)
    assert link.finish_at(0.0, 100_000) == pytest.approx(0.1)
    assert link.finish_at(0.05, 50_000) == pytest.approx(0.1)
    assert link.finish_at(0.0, 100_001) == pytest.approx(0.300001)
    assert trace([8, 0]).finish_at(0.0, 300_000) == pytest.approx(0.5)
    assert link.finish_at(0.15, 0) == 0.15


@pytest.mark.parametrize("offset_s", [-1, 1e308, float("inf"), float("nan")])
def test_an_offset_that_floats_cannot_tell_from_others_is_refused(offset_s):
    with pytest.raises(InputError, match=r"an offset of 0 to 1e\+09 s, got"):
        trace([1, 2, 3], offset_s=offset_s)


def test_time_wraps_at_the_end_and_the_offset_shifts_it():
    link, shifted = trace([1, 2, 3]), trace([1, 2, 3], offset_s=0.2)
    assert [link.rate_at(t) / 1e6 for t in (0, 0.1, 0.2, 0.3, 0.6999)] == [1, 2, 3, 1, 1]
    assert [shifted.rate_at(t) / 1e6 for t in (0, 0.1, 0.2)] == [3, 1, 2]
    assert link.bits_between(0.05, 30.05) == pytest.approx(100 * 0.6e6)
    assert shifted.bits_between(0, 0.1) == pytest.approx(0.3e6)
    assert link.duration_s == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("rates", "start"),
    [
        ([0, 234.1, 1000, 1, 100_000], 39380705.158631004),
        ([0, 100_000, 91.082317], 1573212.1660434394),
        ([1, 12, 100_000, 1, 0], 18444735.354327347),
        ([0, 100_000, 31.05839764713325], 4489425.210091323),
        ([0, 100_000, 80.456171, 0, 48.033948], 67105030.89357449),
    ],
)
def test_a_fast_link_that_runs_for_months_goes_on(rates, start):
    for step_s in (0.001, 0.1, 1.0):
        link = trace(rates, step_s=step_s)
        for late in np.linspace(start, start + 3 * link.duration_s, 50):
            assert late <= link.finish_at(late, 1) <= late + 2 * link.duration_s


def test_round_trips_are_clipped_at_half_a_second():
    link = UplinkTrace(name="t", bps=np.ones(2), rtt_s=np.array([0.2, 5.5]))
    assert (link.rtt_at(0), link.rtt_at(0.1)) == (0.2, 0.5)


def test_a_longer_round_trip_that_is_asked_for_is_refused(tmp_path):
    (tmp_path / "a.up").write_text("2\n")
    assert UplinkTrace.load(tmp_path / "a.up", rtt_s=0.5).rtt_at(0) == 0.5
    for asked in (lambda: UplinkTrace.load(tmp_path / "a.up", rtt_s=0.8), lambda: UplinkTrace.constant(1e6, 0.8, 1)):
        with pytest.raises(InputError, match="a round trip lasts 500 ms at most, got 800 ms"):
            asked()


def test_constant_and_scaled():
    link = UplinkTrace.constant(20e6, 0.04, 3)
    assert (link.duration_s, link.mean_bps, link.rtt_at(1)) == (pytest.approx(3), 20e6, 0.04)
    assert link.scaled(0.5).rate_at(2.9) == 10e6
    assert link.finish_at(0, 1_000_000) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("bps", "rtt_s"),
    [
        ([0, 0], [1, 1]),
        ([], []),
        ([1, 2], [1]),
        ([-1, 2], [1, 1]),
        ([1, np.nan], [1, 1]),
        ([1e-300, 0], [1, 1]),
        ([1e308] * 30, [1] * 30),
    ],
)
def test_impossible_traces_are_refused(bps, rtt_s):
    with pytest.raises(InputError, match="trace"):
        UplinkTrace(name="t", bps=np.array(bps, float), rtt_s=np.array(rtt_s, float))


HEADER = "t_s,uplink_mbps,rtt_ms\n"
BAD_FILES = {
    "empty.csv": ("", "empty.csv:1: expected the header"),
    "header.csv": ("time,rate\n0,1\n", "header.csv:1: expected the header"),
    "words.csv": (
        HEADER + "0.0,1,30\n0.1,fast,30\n",
        "words.csv:3: expected three numbers of 0 or more, got '0.1,fast,30'",
    ),
    "short.csv": (HEADER + "0.0,1\n", "short.csv:2: expected three numbers"),
    "negative.csv": (HEADER + "0.0,1,30\n0.1,-1,30\n", "negative.csv:3: .* 0 or more"),
    "nan.csv": (HEADER + "0.0,nan,30\n", "nan.csv:2"),
    "gap.csv": (HEADER + "0.0,1,30\n0.1,1,30\n0.3,1,30\n", "gap.csv:3: t_s must rise"),
    "quote.csv": (HEADER + "0.0,1,30\n0.1," + "1" * 200_000 + ",30\n", "quote.csv:3: this is no line of a table"),
    "least.csv": (HEADER + "0.0,1e-9,30\n0.1,0,30\n", "least.csv: a trace must carry 0.01 bits at least"),
    "most.csv": (HEADER + "0.0,1e305,30\n0.1,1,30\n", "most.csv:2: expected three numbers"),
    "one.csv": (HEADER + "0.0,1,30\n", "at least two rows"),
    "zero.csv": (HEADER + "0.0,0,30\n0.1,0,30\n", "zero.csv: a trace must carry something: every rate is 0"),
    "empty.up": ("", "empty.up:1: expected millisecond stamps"),
    "words.up": ("1\ntwo\n", "words.up:2: expected one whole number"),
    "epoch.up": ("999999999\n", "epoch.up:1: expected a stamp of at most 7 digits, got '999999999'"),
    "falls.up": ("5\n4\n", "falls.up:2: stamps must not fall"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_are_named_with_their_line(tmp_path, name):
    content, message = BAD_FILES[name]
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message) as caught:
        UplinkTrace.load(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_files_that_are_missing_or_binary_are_media_errors(tmp_path):
    with pytest.raises(MediaError, match="No such file"):
        UplinkTrace.load(tmp_path / "no.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MediaError, match="not a text file"):
        UplinkTrace.load(tmp_path / "binary.csv")


def test_csv_is_read_in_its_own_units_and_step(tmp_path):
    (tmp_path / "a.csv").write_text(HEADER + "0.0,1.5,30\n0.5,3,600\n")
    link = UplinkTrace.load(tmp_path / "a.csv", offset_s=0.5)
    assert (link.name, link.step_s) == ("a", 0.5)
    assert (link.rate_at(0), link.rate_at(0.5), link.rtt_at(0), link.rtt_at(0.5)) == (3e6, 1.5e6, 0.5, 0.03)


def test_marks_quotes_and_blank_lines_of_other_programs_do_no_harm(tmp_path):
    text = "\ufeff" + HEADER.replace("t_s", '"t_s"') + '"0.0","1.5","30"\r\n\r\n 0.5 , 3, 600\n\n'
    (tmp_path / "a.csv").write_text(text, newline="")
    link = UplinkTrace.load(tmp_path / "a.csv")
    assert (link.bps.tolist(), link.step_s) == ([1.5e6, 3e6], 0.5)
    (tmp_path / "a.csv").write_text(HEADER + "\n0.0,1,30\n\n0.1,1,30\n0.5,1,30\n")
    with pytest.raises(MediaError, match=r"a.csv:5: t_s must rise"):
        UplinkTrace.load(tmp_path / "a.csv")


def test_a_gap_is_named_by_the_line_after_it(tmp_path):
    rows = [f"{step / 10:g},5,30\n" for step in range(100) if step not in (50, 51)]
    (tmp_path / "a.csv").write_text(HEADER + "".join(rows))
    with pytest.raises(MediaError, match=r"a.csv:52: t_s must rise"):
        UplinkTrace.load(tmp_path / "a.csv")


def test_mahimahi_opportunities_are_counted_in_bytes(tmp_path):
    (tmp_path / "a.up").write_text("2\n2\n5\n")
    link = UplinkTrace.load(tmp_path / "a.up", rtt_s=0.06)
    assert link.duration_s == pytest.approx(0.005)
    assert link.rtt_at(0) == 0.06
    assert link.bits_between(0, 0.005) == pytest.approx(3 * 12_000)
    assert link.finish_at(0, 3000) == pytest.approx(0.002)
    assert link.finish_at(0, 3001) == pytest.approx(0.004 + 0.001 / 1500)
    assert link.finish_at(0, 4500) == pytest.approx(0.005)


def largest_difference(csv_trace, up_trace, seconds):
    spots = np.arange(0, seconds, 0.0137)
    return max(abs(csv_trace.bits_between(0, t) - up_trace.bits_between(0, t)) for t in spots)


def written_as_mahimahi(link, seconds, path):
    """A stamp for each packet that is complete within `seconds`, rounded up to a millisecond."""
    packets = int((link.bits_between(0, seconds) + 1e-3) // 12_000)
    stamps = [int(np.ceil(round(link.finish_at(0, 1500 * (k + 1)) * 1000, 6))) for k in range(packets)]
    path.write_text("\n".join(map(str, stamps)))
    return stamps


@given(st.lists(st.sampled_from((0, 0.4, 2, 11, 40, 146.8)), min_size=1, max_size=20).filter(any))
def test_csv_and_mahimahi_of_one_synthetic_trace_agree_to_a_packet(tmp_path_factory, mbps):
    link, path = trace(mbps), tmp_path_factory.mktemp("up") / "a.up"
    stamps = written_as_mahimahi(link, link.duration_s, path)
    if stamps:
        assert largest_difference(link, UplinkTrace.load(path), stamps[-1] / 1000) <= 1.001 * 12_000


@pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded traces are not part of the repository")
@pytest.mark.parametrize(
    "name", ["4g/lte_drive_r01_a", "4g/lte_drive_r04_a", "5g/sa_chicago_0420_2", "5g/sa_chicago_0420_3"]
)
def test_csv_and_mahimahi_of_one_recorded_trace_agree_to_a_packet(name, tmp_path):
    link = UplinkTrace.load(RECORDED / f"{name}.csv")
    theirs = UplinkTrace.load(RECORDED / f"mahimahi/{Path(name).name}.up")
    written_as_mahimahi(link, theirs.duration_s, tmp_path / "ours.up")
    ours = UplinkTrace.load(tmp_path / "ours.up")
    assert largest_difference(link, ours, ours.duration_s) <= 1.001 * 12_000
    # Their file was made of rates before these were rounded to 1 kbit/s: a quarter of a packet more in 30 s.
    assert largest_difference(link, theirs, theirs.duration_s) <= 1.3 * 12_000


def test_a_round_trip_is_for_mahimahi_files_only(tmp_path):
    (tmp_path / "a.up").write_text("2\n")
    (tmp_path / "a.csv").write_text(HEADER + "0.0,1.5,30\n0.5,3,600\n")
    assert UplinkTrace.load(tmp_path / "a.up").rtt_at(0) == 0.04
    with pytest.raises(InputError, match=r"only a mahimahi file \(.up\) needs a round-trip time, .*a.csv has its own"):
        UplinkTrace.load(tmp_path / "a.csv", rtt_s=0.06)
    with pytest.raises(InputError, match="round-trip times of a trace must be finite and not negative"):
        UplinkTrace.load(tmp_path / "a.up", rtt_s=-0.06)


@pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded traces are not part of the repository")
def test_all_recorded_traces_load():
    paths = sorted(RECORDED.glob("[45]g/*.csv"))
    assert len(paths) == 36
    assert all(UplinkTrace.load(path).duration_s == pytest.approx(300) for path in paths)
