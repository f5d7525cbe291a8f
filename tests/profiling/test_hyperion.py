"""Observations of classes, the rows made of them, and a fit that is judged on other scenes."""

from pathlib import Path

import numpy as np
import pytest

from foveate.codec import encode_classes
from foveate.core import Detections, DeviceGlance, ImportanceWish, InputError
from foveate.metrics import AnnotatedImage, Truth, write_coco
from foveate.profiling.hyperion import (
    ClassObservation,
    ClassSampling,
    ClassTrial,
    append_class_observation,
    busiest_pictures,
    class_observations_path,
    combinations,
    glance_classes,
    measure_classes,
    observe_classes,
    read_class_observations,
    wish_of,
)
from foveate.testing import write_clip

NAMES = ("person",)
SAMPLING = ClassSampling(side=64, extra=1)


def boxes(*rows: tuple[float, float, float, float]) -> Detections:
    return Detections(boxes=rows, scores=np.ones(len(rows)), class_id=np.zeros(len(rows)), class_names=NAMES)


def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (96, 160, 3), np.uint8)


def observed(seed: int = 0) -> ClassObservation:
    """A frame whose objects are found wherever the quality of class 2 is above 10."""
    rng = np.random.default_rng(seed)
    size = np.sort(rng.integers(50, 900, (3, 7)), axis=1)
    trials = [
        ClassTrial(qualities=q, tp=8 if q[2] > 10 else 4, fp=2, fn=2 if q[2] > 10 else 6)
        for q in combinations(ClassSampling())
    ]
    return ClassObservation(
        scene=f"s{seed}",
        frame=0,
        shares=tuple(rng.dirichlet((6, 3, 1)).tolist()),
        original_bytes=3000 + seed,
        thumbnail_bytes=100,
        sizes=tuple(tuple(row) for row in size.tolist()),
        overhead_bytes=40,
        trials=tuple(trials),
    )


def test_a_frame_is_observed_as_it_would_be_sent():
    pixels, seen = picture(), []
    classes = np.random.default_rng(1).integers(0, 3, (6, 10), np.uint8)

    def detect(cut: np.ndarray) -> Detections:
        seen.append(cut)
        return boxes((42, 10, 62, 30), (50, 50, 60, 60))

    truth = Truth(detections=boxes((42, 10, 62, 30), (32, 0, 42, 10)))
    found = observe_classes(pixels, truth, classes, detect, scene="a", sampling=SAMPLING)
    assert [trial.qualities for trial in found.trials] == combinations(SAMPLING)
    assert {cut.shape for cut in seen} == {(64, 64, 3)}
    assert len(seen) == len(found.trials)
    assert {(trial.tp, trial.fp, trial.fn) for trial in found.trials} == {(1, 1, 1)}
    for qualities in ((10, 50, 100), (95, 30, 70)):
        assert found.size(qualities) == encode_classes(pixels, classes, qualities).size_bytes
    assert sum(found.shares) == pytest.approx(1)
    assert found.original_bytes > found.size((95, 95, 95))


def test_the_busiest_picture_holds_the_most_whole_objects():
    truth = Truth(detections=boxes((70, 40, 80, 90), (100, 50, 120, 90), (0, 0, 10, 10), (150, 0, 200, 90)))
    assert busiest_pictures(truth, (96, 160), SAMPLING) == [(32, 64)]
    assert busiest_pictures(truth, (40, 50), SAMPLING) == [(0, 0)]


def test_objects_that_a_picture_cuts_count_neither_way():
    truth = Truth(detections=boxes((70, 40, 80, 60), (100, 50, 120, 60), (120, 60, 140, 80)))

    def detect(_cut: np.ndarray) -> Detections:
        return boxes((6, 40, 16, 60), (56, 60, 64, 64))

    classes = np.zeros((6, 10), np.uint8)
    trial = observe_classes(picture(), truth, classes, detect, scene="a", sampling=SAMPLING).trials[0]
    assert (trial.tp, trial.fp, trial.fn) == (1, 0, 1)


def test_a_crowd_hides_false_alarms_of_its_own_class():
    wrong, classes = boxes((6, 40, 16, 60)), np.zeros((6, 10), np.uint8)
    for class_id, fp in ((0, 0), (1, 1)):
        nothing = Detections.empty(("person", "car"))
        truth = Truth(detections=nothing, ignore=wrong.boxes, ignore_class=np.array([class_id]))
        found = observe_classes(picture(), truth, classes, lambda _cut: wrong, scene="a", sampling=SAMPLING)
        assert found.trials[0].fp == fp


def test_planned_combinations_lower_and_raise_each_class_alone():
    chosen = combinations(ClassSampling(extra=3))
    assert len(chosen) == len(set(chosen)) == 19 + 3
    for number in range(3):
        for one, others in ((10, 100), (100, 10), (10, 30), (30, 10)):
            assert tuple(one if place == number else others for place in range(3)) in chosen
    assert combinations(ClassSampling(extra=3)) == chosen != combinations(ClassSampling(extra=3, seed=1))


def test_a_glance_becomes_refined_classes():
    importance = np.ones((4, 4), np.float32)
    importance[0], importance[1] = 5, 50
    glance = DeviceGlance(detections=boxes((0, 16, 32, 32)), importance=importance)
    assert glance_classes(glance).tolist() == [[1] * 4, [0, 0, 2, 2], [0] * 4, [0] * 4]


def glance(pixels: np.ndarray) -> DeviceGlance:
    rows, columns = -(-pixels.shape[0] // 16), -(-pixels.shape[1] // 16)
    importance = np.random.default_rng(0).random((rows, columns)).astype(np.float32)
    return DeviceGlance(detections=boxes(), importance=importance)


@pytest.mark.parametrize(
    ("source", "subsets", "count", "wish"),
    [
        ("attention", (), 4, ImportanceWish(scale="log")),
        ("attention", (4,), 4, ImportanceWish(scale="log")),
        ("attention", (1,), 4, ImportanceWish(layers="first", scale="log")),
        ("attention", (2, 1, 3, 4), 4, ImportanceWish(layers="all", scale="log")),
        ("attention", (2, 3), 4, None),
        ("attention", (1,), 1, ImportanceWish(scale="log")),
        ("boxes", (2,), 4, ImportanceWish(source="boxes", scale="log")),
    ],
)
def test_classes_are_named_as_a_policy_asks_for_them(source, subsets, count, wish):
    assert wish_of(source, subsets, "log", count=count) == wish


def test_a_clip_is_measured_once_against_the_truth_beside_it(tmp_path: Path):
    video, path, calls = write_clip(tmp_path / "clip.mp4", frames=7), tmp_path / "o.jsonl", []

    def detect(cut: np.ndarray) -> Detections:
        calls.append(cut.shape)
        return boxes((10, 10, 40, 40))

    def whole(_pixels: np.ndarray) -> Detections:
        return boxes((10, 10, 40, 40), (50, 10, 60, 60))

    found = measure_classes(video, glance, detect, whole, path, every=3, sampling=SAMPLING)
    assert [(o.scene, o.frame) for o in found] == [("clip", 0), ("clip", 3), ("clip", 6)]
    assert {(trial.tp, trial.fp, trial.fn) for o in found for trial in o.trials} == {(1, 0, 1)}
    done = len(calls)
    assert measure_classes(video, glance, detect, whole, path, every=3, sampling=SAMPLING) == found
    assert len(calls) == done
    exact = [
        AnnotatedImage(file_name="clip.mp4", size=(96, 128), truth=Truth(detections=whole(None).select([0])), frame=0)
    ]
    write_coco(video.with_suffix(".json"), exact)
    again = measure_classes(video, glance, detect, whole, tmp_path / "b.jsonl", every=30, sampling=SAMPLING)
    assert {(trial.tp, trial.fp, trial.fn) for trial in again[0].trials} == {(1, 0, 0)}


def test_observations_of_other_clips_or_models_are_other_files(tmp_path: Path):
    one, other = tmp_path / "a.mp4", tmp_path / "b.mp4"
    one.write_bytes(b"a")
    other.write_bytes(b"b")
    paths = {class_observations_path(video, depends) for video in (one, other) for depends in (["x"], ["y"])}
    assert len(paths) == 4
    assert class_observations_path(one, ["x"]) in paths


def test_observations_come_back_and_a_torn_line_is_cut_off(tmp_path: Path):
    path = tmp_path / "deep" / "observations.jsonl"
    assert read_class_observations(path) == []
    for seed in (1, 0):
        append_class_observation(path, observed(seed))
    with path.open("ab") as file:
        file.write(b'{"scene": "torn')
    assert read_class_observations(path) == [observed(0), observed(1)]
    append_class_observation(path, observed(2))
    assert read_class_observations(path) == [observed(0), observed(1), observed(2)]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: ClassSampling(side=16), "32 pixels"),
        (lambda: ClassSampling(pictures=0), "at least one picture"),
    ],
)
def test_what_cannot_be_measured_is_refused(wrong, says):
    with pytest.raises(InputError, match=says):
        wrong()
