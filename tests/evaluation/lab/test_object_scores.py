"""Counts by age, speed and size, and what of the new objects is shown."""

import numpy as np
import pytest

from foveate.core import Detections
from foveate.evaluation.lab.frame_scores import scored_frames, total
from foveate.evaluation.lab.object_scores import Objects
from foveate.evaluation.lab.references import Reference
from foveate.metrics import Counts, Truth

NAMES = ("person",)


def detections(*boxes):
    return Detections(
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.full(len(boxes), 0.9, np.float32),
        class_id=np.zeros(len(boxes), np.int32),
        class_names=NAMES,
    )


def square(x, side=20):
    return (x, 0, x + side, side)


def truth(**tracks):
    """Boxes by track number: t3=square(0)."""
    ids = np.array([int(name[1:]) for name in tracks])
    return Truth(detections=detections(*tracks.values()), track_ids=ids)


def objects_of(truths, **settings):
    reference = Reference(name="exact", truths=dict(enumerate(truths)))
    options = {"order": range(len(truths)), "fps": 30.0, "frame_height": 1080} | settings
    return Objects(reference, **options), reference


def score(reference, *shown):
    return scored_frames(enumerate(shown), [reference], lambda index: index)


def test_a_crowd_hides_false_alarms_of_its_own_class():
    for class_id, wrong in ((0, 0), (1, 1)):
        nothing, crowd = Detections.empty(("person", "car")), np.array([square(0)])
        crowded = Truth(detections=nothing, ignore=crowd, ignore_class=np.array([class_id]))
        scored = score(Reference(name="pseudo", truths={0: crowded}), detections(square(0)))
        assert total(scored, "pseudo") == Counts(fp=wrong)


def test_ages_count_from_the_first_frame_in_which_an_object_could_be_found():
    truths = [truth(t1=square(0))] * 20
    objects, reference = objects_of(truths, fps=10.0)
    counted = objects.by_bin(score(reference, *[detections(square(0))] * 20))
    assert {name: c.tp for (what, name), c in counted.items() if what == "age"} == {
        "under 0.5 s": 5,
        "0.5 to 1 s": 5,
        "1 to 2 s": 10,
    }


def test_speed_is_in_pixels_of_a_1080p_frame_per_thirtieth_of_a_second():
    truths = [truth(t1=square(2 * i), t2=(500, 0, 520, 20)) for i in range(6)]
    objects, reference = objects_of(truths, frame_height=540, fps=15.0)  # 2 pixels are 4, at half the rate 2
    counted = objects.by_bin(score(reference, *[detections(square(2 * i)) for i in range(6)]))
    assert counted["speed", "1 to 3"] == Counts(tp=6)
    assert counted["speed", "under 1"] == Counts(fn=6)


def test_a_box_that_lags_behind_is_the_fault_of_its_object():
    truths = [truth(t1=square(10 * i), t2=square(300, side=100)) for i in range(3)]
    objects, reference = objects_of(truths)
    counted = objects.by_bin(score(reference, *[detections(square(10 * i - 15)) for i in range(3)]))
    assert counted["speed", "over 8"] == Counts(fp=3, fn=3)
    assert counted["speed", "under 1"] == Counts(fn=3)


def test_a_box_over_nothing_has_a_size_but_no_age():
    objects, reference = objects_of([truth(t1=square(0))])
    counted = objects.by_bin(score(reference, detections(square(0), square(500, side=50))))
    assert counted["size", "32 to 96"] == Counts(fp=1)
    assert sum(c.fp for (what, _), c in counted.items() if what == "age") == 0


def test_without_identities_there_is_size_alone():
    plain = Truth(detections=detections(square(0)))
    objects, reference = objects_of([plain])
    scored = score(reference, detections(square(0)))
    assert {what for what, _ in objects.by_bin(scored)} == {"size"}
    assert objects.new_objects(scored, {0: 0}.get) is None


def test_new_objects_are_those_that_the_displayed_result_cannot_know():
    truths = [truth(t1=square(0)), truth(t1=square(0), t2=square(100)), truth(t1=square(0), t2=square(100))]
    objects, reference = objects_of(truths)
    shown = [detections(square(0)), detections(square(0)), detections(square(0), square(100))]
    new = objects.new_objects(score(reference, *shown), {0: 0, 1: 0, 2: 0}.get)
    assert (new.objects, new.new, new.found) == (5, 2, 1)
    later = objects.new_objects(score(reference, *shown), {0: None, 1: 1, 2: 1}.get)
    assert (later.objects, later.new, later.found) == (4, 0, 0)


def test_no_object_is_new_since_a_frame_of_which_nobody_knows_the_truth():
    reference = Reference(name="exact", truths={1: truth(t1=square(0)), 2: Truth(detections=detections())})
    objects = Objects(reference, order=[0, 1, 2, 1], fps=30.0, frame_height=1080)
    scored = scored_frames([(1, detections()), (3, detections())], [reference], {1: 1, 3: 1}.__getitem__)
    new = objects.new_objects(scored, {1: 0, 3: 2}.get)
    assert (new.objects, new.new) == (1, 1)


def test_sums_of_bins_are_the_sums_of_frames():
    rng = np.random.default_rng(0)
    truths = [truth(t1=square(rng.integers(60)), t2=square(100 + rng.integers(60))) for _ in range(30)]
    objects, reference = objects_of(truths)
    scored = score(reference, *[detections(square(rng.integers(60))) for _ in range(30)])
    counted = objects.by_bin(scored)
    assert sum((c for (what, _), c in counted.items() if what == "size"), Counts()) == total(scored, "exact")


@pytest.mark.parametrize("what", ["age", "speed", "size"])
def test_every_hit_and_miss_is_in_one_bin_of_each_property(what):
    truths = [truth(t1=square(9 * i), t2=square(400, side=200)) for i in range(10)]
    objects, reference = objects_of(truths)
    scored = score(reference, *[detections(square(9 * i)) for i in range(10)])
    counted = [c for (name, _), c in objects.by_bin(scored).items() if name == what]
    assert sum(c.tp + c.fn for c in counted) == 20
