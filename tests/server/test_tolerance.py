import pytest

from foveate.core import InputError
from foveate.server import ServerLimits
from foveate.server.tolerance import MOST_OFFENDERS, Tolerance

LIMITS = ServerLimits(malformed=2, malformed_per_s=0.5, ignored_s=10.0)


def test_a_burst_is_tolerated_and_the_next_is_not():
    tolerance = Tolerance(LIMITS)
    assert [tolerance.offended(b"a", 0.0) for _ in range(3)] == [False, False, True]
    assert tolerance.ignores(b"a", 9.9)
    assert not tolerance.ignores(b"a", 10.0)
    assert not tolerance.ignores(b"b", 0.0)
    assert [tolerance.offended(b"a", 10.0) for _ in range(3)] == [False, False, True]


def test_offences_are_forgiven_at_their_rate():
    tolerance = Tolerance(LIMITS)
    assert [tolerance.offended(b"a", 2.0 * n) for n in range(50)] == [False] * 50
    assert [tolerance.offended(b"b", 1.9 * n) for n in range(50)].count(True) > 0


def test_memory_is_bounded_however_many_offend():
    tolerance = Tolerance(LIMITS)
    for number in range(MOST_OFFENDERS + 100):
        tolerance.offended(number.to_bytes(4, "big"), 0.0)
    assert len(tolerance._offenders) == MOST_OFFENDERS


@pytest.mark.parametrize("name", ServerLimits.__dataclass_fields__)
def test_a_limit_of_nothing_is_refused(name):
    with pytest.raises(InputError, match=f"the limit {name} must be above 0, got 0"):
        ServerLimits(**{name: 0})
