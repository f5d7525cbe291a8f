from foveate.core import Slicing
from foveate.evaluation.slices import detect_in_slices
from foveate.testing import FakeDetector, moving_squares


def test_objects_in_several_slices_are_found_once_and_where_they_are() -> None:
    detector, pixels = FakeDetector(), next(iter(moving_squares(1, (128, 192))))
    whole = detector.detect_batch([pixels])[0]
    sliced = detect_in_slices(detector, pixels, Slicing(side=88, overlap=0.5, merge_iou=0.5))
    assert len(whole) == 2
    assert sorted(sliced.boxes.tolist()) == sorted(whole.boxes.tolist())
    assert sorted(sliced.class_id.tolist()) == sorted(whole.class_id.tolist())
