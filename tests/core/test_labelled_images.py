import numpy as np
import pytest

from foveate.core import ExpertCard, InputError, LabelledImages, split_by_class


def images(count=6, labels=None, **changes):
    given = {
        "name": "few",
        "pixels": np.zeros((count, 4, 5, 3), np.uint8),
        "labels": np.arange(count) % 2 if labels is None else np.array(labels),
        "class_names": ("a", "b"),
    }
    return LabelledImages(**given | changes)


def test_what_is_taken_keeps_its_labels():
    some = images().take(np.array([1, 3]), name="odd")
    assert (len(some), some.labels.tolist(), some.name, some.image_size) == (2, [1, 1], "odd", (4, 5))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": [0, 1, 2, 0, 0, 0]}, r"labels must lie in 0\.\.1"),
        ({"labels": [0, 1]}, "6 labels are required"),
        ({"pixels": np.zeros((6, 4, 5), np.uint8)}, "pictures must be uint8"),
        ({"superclass_of": (0,)}, "for each of 2 classes"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        images(**changes)


def test_a_split_takes_as_many_of_each_class_and_nothing_twice():
    labels = np.repeat(np.arange(5), 10)
    first, rest = split_by_class(labels, 7, seed=1)
    assert np.bincount(labels[first]).tolist() == [7] * 5
    assert sorted([*first, *rest]) == list(range(50))
    again, _ = split_by_class(labels, 7, seed=1)
    other, _ = split_by_class(labels, 7, seed=2)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_split_that_leaves_nothing_to_choose_on_is_refused():
    with pytest.raises(InputError, match="more than 3 pictures"):
        split_by_class(np.array([0, 0, 0]), 3, seed=0)


@pytest.mark.parametrize("subset", [(), (2, 1), (1, 1), (-1, 0)])
def test_an_expert_needs_different_classes_in_order(subset):
    with pytest.raises(InputError, match="ascending"):
        ExpertCard(name="a", subset=subset)


def test_superclasses_must_be_named():
    with pytest.raises(InputError, match=r"superclasses must lie in 0..1, got 0..2"):
        images(superclass_names=("x", "y"), superclass_of=(0, 2))
