"""AP against a naive reference."""

import builtins

import numpy as np
import pytest

from foveate.core import Detections, FoveateError, InputError
from foveate.metrics import EVERY_CLASS, Truth, average_precision, iou_matrix

pytest.importorskip("faster_coco_eval")

NAMES = ("person", "car")


def random_frame(rng):
    def boxes(count):
        corners = rng.uniform(0, 60, (count, 2))
        return np.hstack([corners, corners + rng.uniform(15, 40, (count, 2))]).astype(np.float32)

    true = boxes(rng.integers(0, 5))
    near = true + rng.uniform(-5, 5, true.shape).astype(np.float32)
    guesses = np.concatenate([near, boxes(rng.integers(0, 4))])
    classes = rng.integers(0, 2, len(true))
    predicted = Detections(
        boxes=guesses,
        scores=rng.random(len(guesses)),
        class_id=np.concatenate([classes, rng.integers(0, 2, len(guesses) - len(true))]),
        class_names=NAMES,
    )
    truth = Detections(boxes=true, scores=np.ones(len(true)), class_id=classes, class_names=NAMES)
    return predicted, Truth(detections=truth)


def naive_ap(frames, class_id, iou):
    """101-point interpolated precision, written as the definition reads."""
    scored, objects = [], 0
    for predicted, truth in frames:
        mine = predicted.select(predicted.class_id == class_id)
        real = truth.detections.boxes[truth.detections.class_id == class_id]
        objects += len(real)
        overlaps, taken = iou_matrix(mine.boxes, real), set()
        for row in sorted(range(len(mine)), key=lambda i: -mine.scores[i]):
            free = [(overlaps[row, j], j) for j in range(len(real)) if j not in taken and overlaps[row, j] >= iou]
            if free:
                taken.add(max(free)[1])
            scored.append((float(mine.scores[row]), bool(free)))
    hits = np.cumsum([hit for _, hit in sorted(scored, reverse=True)])
    recalls, precisions = hits / max(objects, 1), hits / np.arange(1, len(hits) + 1)
    points = np.linspace(0, 1, 101)
    return float(np.mean([max(precisions[recalls >= r], default=0) for r in points]))


@pytest.mark.parametrize("seed", range(6))
def test_ap_equals_a_naive_reference(seed):
    rng = np.random.default_rng(seed)
    frames = [random_frame(rng) for _ in range(6)]
    result = average_precision(frames)
    for class_id, name in enumerate(NAMES):
        levels = [naive_ap(frames, class_id, iou) for iou in np.linspace(0.5, 0.95, 10)]
        assert result.classes[name].ap50 == pytest.approx(levels[0], abs=1e-6)
        assert result.classes[name].ap == pytest.approx(np.mean(levels), abs=1e-6)
    assert result.ap50 == pytest.approx(np.mean([entry.ap50 for entry in result.classes.values()]))


def one(boxes, names=NAMES, classes=None):
    classes = np.zeros(len(boxes), int) if classes is None else classes
    return Detections(boxes=np.array(boxes), scores=np.ones(len(boxes)), class_id=classes, class_names=names)


HERE, THERE = [0, 0, 20, 20], [50, 50, 90, 90]


def test_perfect_answers_score_one_and_absent_classes_are_left_out():
    result = average_precision([(one([HERE]), Truth(detections=one([HERE])))])
    assert (result.ap, result.ap50) == (pytest.approx(1), pytest.approx(1))
    assert list(result.classes) == ["person"]
    assert result.classes["person"].n == 1


def test_no_answers_score_zero():
    truth = Truth(detections=one([HERE]))
    assert average_precision([(one([]), truth)]).ap50 == 0
    assert average_precision([(one([HERE]), Truth(detections=one([])))]).classes == {}
    assert average_precision([]).ap == 0


def test_predictions_on_ignored_boxes_do_not_count():
    answer = one([THERE, HERE])
    assert average_precision([(answer, Truth(detections=one([HERE])))]).ap50 == pytest.approx(0.5)
    ignoring = Truth(detections=one([HERE]), ignore=np.array([THERE]))
    assert average_precision([(answer, ignoring)]).ap50 == pytest.approx(1)


def test_a_crowd_of_one_class_hides_no_false_alarm_of_another():
    truth = one([HERE], names=("person", "banana"))
    for crowd, ap50 in ((0, 1), (1, 0.5), (EVERY_CLASS, 1)):
        ignoring = Truth(detections=truth, ignore=np.array([THERE]), ignore_class=np.array([crowd]))
        assert average_precision([(one([THERE, HERE]), ignoring)]).ap50 == pytest.approx(ap50)


def test_classes_go_by_name():
    answer = one([HERE, THERE], names=("dog", "person"), classes=[1, 0])
    assert average_precision([(answer, Truth(detections=one([HERE])))]).ap50 == pytest.approx(1)
    frames = [(answer, Truth(detections=one([], names=names))) for names in (("a",), ("b",))]
    with pytest.raises(InputError, match="share their class names"):
        average_precision(frames)


def test_classes_of_one_name_are_one_class():
    names = ("person", "N/A", "car", "N/A")
    twice = one([HERE, THERE], names=names, classes=[1, 3])
    result = average_precision([(twice, Truth(detections=twice))])
    assert {name: (entry.n, entry.ap50) for name, entry in result.classes.items()} == {"N/A": (2, pytest.approx(1))}


def test_a_missing_evaluator_names_the_extra(monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **options):
        if name == "faster_coco_eval":
            raise ImportError(name)
        return real(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(FoveateError, match=r"foveate\[train\]"):
        average_precision([(one([HERE]), Truth(detections=one([HERE])))])


def test_objects_of_one_size_are_scored_apart():
    small, large = [0, 0, 20, 20], [100, 100, 300, 300]
    result = average_precision([(one([large]), Truth(detections=one([small, large])))])
    assert {name: entry.n for name, entry in result.sizes.items()} == {"small": 1, "large": 1}
    assert result.sizes["small"].ap50 == 0
    assert result.sizes["large"].ap50 == pytest.approx(1)
    assert result.sizes["large"].classes["person"].n == 1
    assert result.classes["person"].ap50 == pytest.approx(0.5, abs=0.01)


def test_objects_on_the_border_of_two_sizes_are_of_both():
    truth = one([[0, 0, 32, 32], [100, 100, 196, 196]])
    result = average_precision([(truth, Truth(detections=truth))])
    assert {name: (entry.n, entry.ap) for name, entry in result.sizes.items()} == {
        "small": (1, pytest.approx(1)),
        "medium": (2, pytest.approx(1)),
        "large": (1, pytest.approx(1)),
    }
    assert result.classes["person"].n == 2


@pytest.mark.parametrize("side", [2e5, 2.0**24, 1e38])
def test_objects_larger_than_every_picture_are_objects(side):
    truth = one([[0, 0, side, side]])
    assert average_precision([(truth, Truth(detections=truth))]).ap == pytest.approx(1)
    assert average_precision([(one([HERE]), Truth(detections=truth))]).ap == 0


def test_a_box_that_is_turned_inside_out_counts_as_an_object_that_nobody_finds():
    boxes = np.array([[40.0, 10, 10, 40], [50, 50, 90, 90]])
    truth = Detections(boxes=boxes, scores=[1, 1], class_id=[0, 1], class_names=NAMES)
    result = average_precision([(truth.select([1]), Truth(detections=truth))])
    assert {name: found.ap for name, found in result.classes.items()} == {"person": 0, "car": pytest.approx(1)}
