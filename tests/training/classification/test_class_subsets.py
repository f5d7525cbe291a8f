import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveate.core import InputError
from foveate.training.classification import confusion, from_confusion, from_superclasses, kept_inside, with_overlap


def two_blocks(classes=6):
    """Even classes are confused with even ones, odd with odd."""
    matrix = np.full((classes, classes), 0.01)
    for a in range(classes):
        for b in range(classes):
            if a % 2 == b % 2:
                matrix[a, b] = 0.2
    np.fill_diagonal(matrix, 0.5)
    return matrix


def test_neighbouring_superclasses_share_an_expert():
    assert from_superclasses((0, 0, 1, 1, 2, 3), 2) == ((0, 1, 2, 3), (4, 5))


def test_more_experts_than_superclasses_are_refused():
    with pytest.raises(InputError, match=r"1\.\.2"):
        from_superclasses((0, 1), 3)


def test_classes_that_are_confused_come_to_one_expert():
    assert set(from_confusion(two_blocks(), 2)) == {(0, 2, 4), (1, 3, 5)}


@settings(max_examples=25, deadline=None)
@given(classes=st.integers(2, 20), experts=st.integers(1, 6), seed=st.integers(0, 99))
def test_found_subsets_are_a_balanced_partition(classes, experts, seed):
    experts = min(experts, classes)
    subsets = from_confusion(np.random.default_rng(seed).random((classes, classes)), experts)
    assert sorted(sum(subsets, ())) == list(range(classes))
    sizes = [len(subset) for subset in subsets]
    assert max(sizes) - min(sizes) <= 1


def test_exchanges_keep_at_least_as_much_inside_as_any_single_exchange_could_add():
    matrix = np.random.default_rng(3).random((12, 12))
    best = from_confusion(matrix, 3)
    for a in range(12):
        for b in range(a):
            swap = {a: b, b: a}
            other = tuple(tuple(sorted(swap.get(c, c) for c in subset)) for subset in best)
            assert kept_inside(matrix, other) <= kept_inside(matrix, best) + 1e-9


def test_an_overlap_adds_the_foreign_classes_that_are_confused_most():
    matrix = two_blocks()
    matrix[0, 5] = matrix[5, 0] = 0.4
    grown = with_overlap(((0, 2, 4), (1, 3, 5)), matrix, 1)
    assert grown == ((0, 2, 4, 5), (0, 1, 3, 5))


def test_confusion_rows_are_mean_probabilities_of_their_class():
    logits = np.log(np.array([[0.7, 0.3], [0.5, 0.5], [0.2, 0.8]], np.float32))
    assert confusion(logits, np.array([0, 0, 1])) == pytest.approx(np.array([[0.6, 0.4], [0.2, 0.8]]))


def test_confusion_needs_pictures_of_every_class():
    with pytest.raises(InputError, match="class 1"):
        confusion(np.zeros((2, 2), np.float32), np.array([0, 0]))
