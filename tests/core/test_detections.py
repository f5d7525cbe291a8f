import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveate.core import Detections, InputError, class_places, join_detections

NAMES = ("person", "car", "bus")


def some(n=3):
    return Detections(
        boxes=np.arange(4 * n).reshape(n, 4),
        scores=np.linspace(0.1, 0.9, n),
        class_id=np.arange(n) % len(NAMES),
        class_names=NAMES,
    )


def test_arrays_take_their_dtypes_and_shapes():
    found = Detections(boxes=[[1, 2, 3, 4]], scores=[1], class_id=[2], class_names=list(NAMES))
    assert (found.boxes.dtype, found.boxes.shape) == (np.float32, (1, 4))
    assert (found.scores.dtype, found.class_id.dtype) == (np.float32, np.int32)
    assert found.class_names == NAMES


def test_nothing_may_be_given_as_empty_lists():
    assert Detections(boxes=[], scores=[], class_id=[], class_names=NAMES) == Detections.empty(NAMES)
    assert len(Detections.empty(NAMES)) == 0


def test_unequal_lengths_are_refused_with_all_three_named():
    with pytest.raises(InputError, match="got 1 boxes, 2 scores, 1 class ids"):
        Detections(boxes=[[0, 0, 1, 1]], scores=[1, 1], class_id=[0], class_names=NAMES)


@pytest.mark.parametrize("class_id", [-1, 3])
def test_a_class_id_without_a_name_is_refused(class_id):
    with pytest.raises(InputError, match=rf"class ids must lie in 0\.\.2, got {class_id}\.\.{class_id}"):
        Detections(boxes=[[0, 0, 1, 1]], scores=[1], class_id=[class_id], class_names=NAMES)


def test_select_takes_rows_by_index_in_its_order_and_by_mask():
    found = some(3)
    assert found.select([2, 0]).class_id.tolist() == [2, 0]
    assert found.select(np.array([True, False, True])).boxes[:, 0].tolist() == [0, 8]
    assert found.select(np.array([], int)) == found.select([]) == Detections.empty(NAMES)


@given(st.lists(st.floats(0, 1, width=32), max_size=8), st.floats(0, 1, width=32))
def test_above_keeps_scores_that_reach_the_threshold(scores, threshold):
    n = len(scores)
    found = Detections(boxes=np.zeros((n, 4)), scores=scores, class_id=np.zeros(n), class_names=NAMES)
    assert found.above(threshold).scores.tolist() == [s for s in found.scores.tolist() if s >= threshold]


def test_scaled_moves_corners_with_the_frame_and_keeps_the_rest():
    found = some(1).scaled(2.0, 0.5)
    assert found.boxes.tolist() == [[0, 2, 1, 6]]
    assert found.scores.tolist() == some(1).scores.tolist()


def test_equality_compares_values_and_other_types_are_unequal():
    assert some() == some()
    assert some() != some().select([0, 1])
    assert some() != "detections"
    with pytest.raises(TypeError, match="unhashable"):
        hash(some())


def test_moved_shifts_every_corner_and_keeps_the_rest():
    moved = some(1).moved(10, 100)
    assert moved.boxes.tolist() == [[100, 11, 102, 13]]
    assert moved == some(1).moved(4, 60).moved(6, 40)


def test_ids_follow_names_into_a_longer_list():
    wider = some(3).with_classes(("truck", "bus", "person", "car"))
    assert [wider.class_names[k] for k in wider.class_id] == list(NAMES)
    assert wider.boxes.tolist() == some(3).boxes.tolist()
    with pytest.raises(InputError, match="the classes bus are not among person, car"):
        some(3).with_classes(("person", "car"))


def test_of_a_name_that_occurs_twice_the_first_index_counts():
    names = ("person", "N/A", "car", "N/A")
    assert class_places(("N/A", "car", "bus"), names).tolist() == [1, 2, -1]
    found = Detections(boxes=np.zeros((4, 4)), scores=np.ones(4), class_id=np.arange(4), class_names=names)
    assert found.class_id_in(names).tolist() == found.with_classes(names).class_id.tolist() == [0, 1, 2, 1]


def test_parts_join_in_their_order():
    whole = some(5)
    assert join_detections([whole.select([0, 1]), whole.select(np.array([], int)), whole.select([2, 3, 4])]) == whole
    assert join_detections([whole]) == whole


@pytest.mark.parametrize("parts", [[], [some(1), Detections.empty(("person",))]])
def test_nothing_and_different_classes_do_not_join(parts):
    with pytest.raises(InputError, match="only detections of the same classes join"):
        join_detections(parts)


@pytest.mark.parametrize("boxes", [np.zeros((2, 2)), np.zeros((1, 8)), np.zeros(5), np.zeros((1, 1, 4))])
def test_boxes_of_another_shape_are_refused_rather_than_folded(boxes):
    with pytest.raises(InputError, match=r"boxes must have shape \(n, 4\)"):
        Detections(boxes=boxes, scores=[1], class_id=[0], class_names=NAMES)


def test_flat_boxes_as_messages_carry_them_are_rows_of_four():
    found = Detections(boxes=np.arange(8), scores=[1, 1], class_id=[0, 0], class_names=NAMES)
    assert found.boxes.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
