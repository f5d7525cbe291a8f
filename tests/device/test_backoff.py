import pytest

from foveate.device.backoff import FIRST_S, REFUSED_S, UNREACHABLE_S, Backoff


def waits(backoff, number, *, refused=False):
    return [backoff.next_s(refused=refused) for _ in range(number)]


@pytest.mark.parametrize(("refused", "longest_s"), [(False, UNREACHABLE_S), (True, REFUSED_S)])
def test_waits_double_up_to_a_limit_and_lie_in_the_upper_half(refused, longest_s):
    for number, wait_s in enumerate(waits(Backoff(1), 40, refused=refused)):
        ceiling_s = min(FIRST_S * 2**number, longest_s)
        assert ceiling_s / 2 <= wait_s <= ceiling_s


def test_the_same_seed_waits_the_same_and_others_do_not():
    assert waits(Backoff(5), 20) == waits(Backoff(5), 20)
    ninth = [waits(Backoff(seed), 9)[-1] for seed in range(200)]
    assert len(set(ninth)) == 200
    assert max(ninth) - min(ninth) > 0.4 * UNREACHABLE_S  # devices that were lost together do not call together


def test_a_connection_that_held_starts_anew():
    backoff = Backoff()
    waits(backoff, 10)
    backoff.reset()
    assert backoff.next_s(refused=True) <= FIRST_S


def test_what_is_counted_apart_neither_lengthens_nor_resets_the_other():
    backoff = Backoff(2)
    other = backoff.apart()
    waits(backoff, 6)
    assert other.next_s(refused=False) <= FIRST_S
    other.reset()
    assert backoff.next_s(refused=False) > FIRST_S
