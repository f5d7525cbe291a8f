from itertools import pairwise

import numpy as np
import pytest

from foveate.core import InputError
from foveate.evaluation.slices import Slicing, detect_in_slices
from foveate.testing import FakeDetector, moving_squares


@pytest.mark.parametrize("size", [(2160, 3840), (1080, 1920), (1024, 1024), (300, 5000), (90, 70)])
def test_slices_cover_the_frame_and_overlap_by_a_quarter_at_least(size: tuple[int, int]) -> None:
    slicing = Slicing()
    covered = np.zeros(size, np.int8)
    for top, left in slicing.corners(*size):
        assert 0 <= top <= max(0, size[0] - 1024)
        assert 0 <= left <= max(0, size[1] - 1024)
        covered[top : top + 1024, left : left + 1024] = 1
    assert covered.all()
    for axis in (0, 1):
        starts = sorted({corner[axis] for corner in slicing.corners(*size)})
        assert all(b - a <= 768 for a, b in pairwise(starts))


def test_a_frame_of_4k_makes_fifteen_slices_and_a_small_one_a_single() -> None:
    assert len(Slicing().corners(2160, 3840)) == 15
    assert Slicing().corners(720, 1000) == [(0, 0)]


def test_objects_in_several_slices_are_found_once_and_where_they_are() -> None:
    detector, pixels = FakeDetector(), next(iter(moving_squares(1, (128, 192))))
    whole = detector.detect_batch([pixels])[0]
    sliced = detect_in_slices(detector, pixels, Slicing(side=88, overlap=0.5))
    assert len(whole) == 2
    assert sorted(sliced.boxes.tolist()) == sorted(whole.boxes.tolist())
    assert sorted(sliced.class_id.tolist()) == sorted(whole.class_id.tolist())


@pytest.mark.parametrize("wrong", [{"side": 8}, {"overlap": 1.0}, {"merge_iou": 0.0}])
def test_slices_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match="slices need"):
        Slicing(**wrong)
