import numpy as np
import pytest

from foveate.evaluation.experts.intervals import mean_of, ratio_of


def rows(by_recording, *, factor=1.0, noise=0.0, starts=(0,)):
    """One row a recording and start; ten stretches each around the recording's latency."""
    rng = np.random.default_rng(1)
    found = []
    for recording, latency in by_recording.items():
        for start in starts:
            values = (factor * (latency + noise * rng.normal(size=10))).tolist()
            place = {"seed": "seed-0", "group": "4g", "variation": "", "link": recording, "recording": recording}
            found.append(
                place
                | {"start": start, "stretches": {"latency_s": values, "energy_j": values, "other_energy_j": values}}
            )
    return found


MANY = {f"run{n}": 0.1 + 0.02 * n for n in range(6)}


def test_the_value_is_the_mean_and_the_interval_holds_it():
    found = mean_of(rows(MANY), "latency_s")
    assert found.value == pytest.approx(0.15)
    assert found.low < 0.15 < found.high


def test_recordings_that_differ_widen_the_interval_and_more_starts_on_them_do_not_narrow_it():
    few, more = (mean_of(rows(MANY, starts=range(count)), "latency_s") for count in (1, 4))
    spread = np.std(list(MANY.values())) / np.sqrt(len(MANY))
    for found in (few, more):
        assert (found.high - found.low) / 2 == pytest.approx(1.96 * spread, rel=0.15)


def test_on_one_link_stretches_alone_make_the_interval():
    found = mean_of(rows({"lan": 0.1}, noise=0.01), "latency_s")
    assert 0.002 < found.high - found.low < 0.02


def test_a_ratio_that_is_the_same_everywhere_is_sure_however_links_differ():
    theirs = rows(MANY)
    ours = list(reversed(rows(MANY, factor=0.5)))  # paired by what they ran on, not by their order
    found = ratio_of(ours, theirs, "energy_j")
    assert (found.low, found.value, found.high) == pytest.approx((0.5, 0.5, 0.5))


def test_a_row_without_a_partner_is_an_error():
    with pytest.raises(KeyError):
        ratio_of(rows(MANY), rows({"run0": 0.1}), "latency_s")
