"""Greedy matching and F1."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveate.core import Detections
from foveate.metrics import EVERY_CLASS, Counts, F1Counter, iou_matrix, match

NAMES = ("person", "car")


def some(boxes, scores=None, classes=None, names=NAMES):
    return Detections(
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.ones(len(boxes)) if scores is None else np.array(scores),
        class_id=np.zeros(len(boxes), int) if classes is None else np.array(classes),
        class_names=names,
    )


def box(x, y, side=10):
    return [x, y, x + side, y + side]


@st.composite
def crowds(draw):
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    count = draw(st.integers(0, 8))
    corners = rng.integers(0, 20, (count, 2))
    sides = rng.integers(1, 15, (count, 2))
    return some(np.hstack([corners, corners + sides]), rng.integers(0, 5, count) / 4, rng.integers(0, 2, count))


@given(crowds(), crowds())
def test_iou_equals_counting_pixels(a, b):
    def painted(one):
        canvas = np.zeros((40, 40), bool)
        x1, y1, x2, y2 = one.astype(int)
        canvas[y1:y2, x1:x2] = True
        return canvas

    expected = [[(painted(p) & painted(q)).sum() / (painted(p) | painted(q)).sum() for q in b.boxes] for p in a.boxes]
    assert np.allclose(iou_matrix(a.boxes, b.boxes), np.array(expected).reshape(len(a), len(b)))


def test_empty_boxes_overlap_nothing():
    flat = np.array([[3, 3, 3, 9], [5, 5, 2, 2]], np.float32)
    assert not iou_matrix(flat, flat).any()


@given(crowds(), crowds(), st.sampled_from((0.1, 0.5, 0.9)))
def test_every_prediction_and_object_is_counted_once(predicted, truth, iou):
    ignore = truth.boxes[:1]
    found = match(predicted, truth, iou=iou, ignore=ignore)
    rows = np.concatenate([found.predicted, found.false_positives, found.dropped])
    assert sorted(rows) == list(range(len(predicted)))
    assert sorted(np.concatenate([found.truth, found.missed])) == list(range(len(truth)))
    overlaps = iou_matrix(predicted.boxes, truth.boxes)
    assert (overlaps[found.predicted, found.truth] >= iou).all()
    assert (predicted.class_id[found.predicted] == truth.class_id[found.truth]).all()
    assert (np.diff(predicted.scores[found.predicted]) <= 0).all()


@given(crowds(), crowds(), st.sampled_from((0.1, 0.5, 0.9)))
def test_pairs_are_those_of_the_definition_in_loops(predicted, truth, iou):
    overlaps, free, pairs = iou_matrix(predicted.boxes, truth.boxes), set(range(len(truth))), []
    for row in sorted(range(len(predicted)), key=lambda r: (-predicted.scores[r], r)):
        own = [c for c in sorted(free) if truth.class_id[c] == predicted.class_id[row] and overlaps[row, c] >= iou]
        if own:
            best = max(own, key=lambda c: (overlaps[row, c], c))
            free.remove(best)
            pairs.append((row, best))
    found = match(predicted, truth, iou=iou)
    assert list(zip(found.predicted.tolist(), found.truth.tolist(), strict=True)) == pairs


def test_the_higher_score_takes_the_object_even_if_it_overlaps_less():
    found = match(some([box(0, 0), box(2, 0)], [0.6, 0.9]), some([box(0, 0)]))
    assert (found.predicted.tolist(), found.truth.tolist()) == ([1], [0])
    assert found.false_positives.tolist() == [0]


def test_a_prediction_takes_the_free_object_that_it_overlaps_most():
    truth = some([box(3, 0), box(1, 0)])
    found = match(some([box(0, 0), box(0, 0)], [0.9, 0.8]), truth)
    assert found.truth.tolist() == [1, 0]


def test_of_objects_that_overlap_equally_the_last_is_taken():
    pair = some([box(0, 0), box(0, 0)])
    assert match(some([box(0, 0)]), pair).truth.tolist() == [1]


def test_an_overlap_of_exactly_the_threshold_is_a_hit():
    assert len(match(some([[0, 0, 10, 10]]), some([[0, 0, 10, 5]])).predicted) == 1


def test_classes_are_mapped_by_name():
    predicted = some([box(0, 0), box(50, 0), box(90, 0)], classes=[2, 0, 1], names=("car", "dog", "person"))
    truth = some([box(0, 0), box(50, 0)], classes=[0, 1])
    found = match(predicted, truth)
    assert (found.predicted.tolist(), found.truth.tolist()) == ([0, 1], [0, 1])
    assert found.dropped.tolist() == [2]  # the truth does not know dogs
    assert match(some([box(0, 0)], classes=[1]), some([box(0, 0)])).missed.tolist() == [0]


def test_classes_of_one_name_are_one_class():
    names = ("person", "N/A", "car", "N/A")
    twice = some([box(0, 0), box(50, 0)], classes=[1, 3], names=names)
    assert F1Counter().add(twice, twice) == Counts(tp=2)
    other = some(twice.boxes, classes=[3, 1], names=names)
    assert F1Counter().add(other, twice) == Counts(tp=2)


def test_predictions_mostly_on_ignored_boxes_are_dropped_unless_they_match():
    ignore = np.array([box(0, 0, 40)], np.float32)
    predicted = some([box(5, 5), box(35, 5), box(36, 5), box(20, 20)])
    found = match(predicted, some([box(20, 20)]), ignore=ignore)
    assert found.predicted.tolist() == [3]
    assert found.dropped.tolist() == [0, 1]  # half of it on the ignored box is enough
    assert found.false_positives.tolist() == [2]


def test_an_ignored_box_of_one_class_drops_predictions_of_that_class_alone():
    ignore = np.array([box(0, 0, 40), box(100, 0, 40)], np.float32)
    predicted = some([box(5, 5), box(5, 5), box(105, 5), box(105, 5)], classes=[0, 1, 0, 1], names=("car", "person"))
    found = match(predicted, some([]), ignore=ignore, ignore_class=np.array([NAMES.index("car"), EVERY_CLASS]))
    assert found.dropped.tolist() == [0, 2, 3]
    assert found.false_positives.tolist() == [1]


def test_f1_of_a_video_sums_over_frames():
    counter = F1Counter()
    first = counter.add(some([box(0, 0), box(50, 0)]), some([box(0, 0)]))
    second = counter.add(some([]), some([box(0, 0), box(50, 0)], classes=[0, 1]))
    assert first == Counts(tp=1, fp=1, fn=0)
    assert (first.f1, second.f1) == (pytest.approx(2 / 3), 0)
    assert counter.total == Counts(tp=1, fp=1, fn=2)
    assert (counter.f1, counter.precision, counter.recall) == (0.4, 0.5, pytest.approx(1 / 3))
    assert counter.per_class == {"person": Counts(tp=1, fp=1, fn=1), "car": Counts(fn=1)}
    assert counter.frames == 2


def test_f1_of_a_frame_without_truth_and_prediction_is_one():
    assert F1Counter().add(some([]), some([])).f1 == 1
    assert F1Counter().f1 == 1
    assert F1Counter().add(some([box(0, 0)]), some([])).f1 == 0
