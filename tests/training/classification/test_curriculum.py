import numpy as np
import pytest

from foveate.core import InputError
from foveate.training.classification import Curriculum, Draws, progressive, static


def test_the_share_of_the_subset_rises_from_natural_to_its_last_and_stays():
    course = progressive(0.2)
    shares = [course.share_at(x) for x in np.linspace(0, 1, 21)]
    assert shares[0] == pytest.approx(0.2)
    assert shares[16:] == pytest.approx([0.8] * 5)
    assert shares == sorted(shares)


def test_a_static_expert_sees_its_subset_alone_from_the_first_step():
    assert {static().share_at(x) for x in (0, 0.5, 1)} == {1.0}


def test_the_head_moves_towards_the_subset_with_the_share():
    course = progressive(0.2)
    assert [course.head_at(x) for x in (0, 0.4, 1)] == pytest.approx([0, 0.25, 0.5])


def test_shares_outside_0_to_1_are_refused():
    with pytest.raises(InputError, match=r"0\.\.1"):
        Curriculum(first_share=0.2, last_share=1.2)


def draws(counts, batch_size=4, seed=0):
    own, strangers = np.arange(10), np.arange(100, 107)
    return Draws(own, strangers, np.array(counts), batch_size, seed)


def test_a_batch_holds_as_many_of_the_subset_as_it_should():
    dealt = draws([0, 1, 4, 2])
    assert [int((dealt.batch(step) < 100).sum()) for step in range(4)] == [0, 1, 4, 2]


def test_every_card_comes_once_before_any_comes_again():
    dealt = draws([4] * 5)
    cards = np.concatenate([dealt.batch(step) for step in range(5)])
    assert sorted(cards[:10]) == list(range(10))
    assert sorted(cards[10:]) == list(range(10))


def test_a_batch_depends_on_seed_and_number_alone():
    late, again = draws([2] * 9), draws([2] * 9)
    for step in range(8):
        again.batch(step)
    assert np.array_equal(late.batch(8), again.batch(8))
    assert not np.array_equal(late.batch(8), draws([2] * 9, seed=1).batch(8))


def test_an_empty_deck_is_refused_only_if_it_is_needed():
    Draws(np.arange(3), np.arange(0), np.array([2]), 2, 0)
    with pytest.raises(InputError, match="of one kind"):
        Draws(np.arange(3), np.arange(0), np.array([1]), 2, 0)
