"""Words for numbers whose reading is known."""

import pytest

from foveate.evaluation.lab.phrases import counted, interval_text, listed, range_text, score_text
from foveate.evaluation.lab.statistics import Interval


def test_one_is_singular_and_thousands_are_parted():
    assert [counted(n, "clip") for n in (0, 1, 2, 12_000)] == ["0 clips", "1 clip", "2 clips", "12,000 clips"]


def test_names_are_listed_as_they_are_spoken():
    assert [listed(list(names)) for names in ("A", "AB", "ABC")] == ["A", "A and B", "A, B and C"]


def test_nothing_is_never_negative():
    assert score_text(-0.0001) == "0.000"
    assert score_text(-0.0001, signed=True) == "+0.000"


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.012, 0.065, "+0.012 to +0.065"),
        (0.0001, 0.0113, "+0.0001 to +0.0113"),
        (-0.0147, -0.0003, "-0.0147 to -0.0003"),
        (0.0, 0.01, "+0.000 to +0.010"),
    ],
)
def test_an_interval_shows_on_which_side_of_0_it_ends(low, high, text):
    found = Interval(value=0.0054, low=low, high=high)
    assert range_text(found, signed=True) == text
    assert interval_text(found, signed=True).endswith(f" ({text})")
