import math

import numpy as np
import pytest

from foveate.core import (
    Detections,
    ImportanceWish,
    InputError,
    LookPlan,
    OffloadPlan,
    PairTimes,
    RegionGrid,
    Slicing,
    View,
    computed_pixels,
    sent_pixels,
)

UHD = RegionGrid(height=2160, width=3840)


def test_boxes_of_a_view_go_back_to_the_frame():
    view = View(top=100, left=200, bottom=300, right=600, scale=0.5)
    assert view.size == (100, 200)
    seen = Detections(
        boxes=np.array([[0.0, 0, 200, 100], [10, 20, 30, 40]]), scores=[1, 1], class_id=[0, 0], class_names=("a",)
    )
    assert view.in_frame(seen).boxes.tolist() == [[200, 100, 600, 300], [220, 140, 260, 180]]


@pytest.mark.parametrize("wrong", [{"bottom": 0}, {"right": 5}, {"top": -1}, {"scale": 0.0}, {"scale": 1.1}])
def test_views_that_cannot_be_are_refused(wrong):
    with pytest.raises(InputError):
        View(**{"top": 0, "left": 5, "bottom": 10, "right": 20} | wrong)


def test_a_4k_frame_is_fifteen_slices():
    assert Slicing().count([(2160, 3840)]) == len(Slicing().corners(2160, 3840)) == 15
    assert Slicing().count([(500, 500), (1024, 1025)]) == 3


def test_plans_know_what_they_send_and_what_the_cloud_computes():
    whole = OffloadPlan(views=(View.whole((2160, 3840)),), slicing=Slicing())
    assert sent_pixels(whole, UHD) == 2160 * 3840
    assert computed_pixels(whole, UHD) == 15 * 1024**2
    crop = OffloadPlan(views=(View(top=0, left=0, bottom=500, right=400),), slicing=Slicing())
    assert sent_pixels(crop, UHD) == computed_pixels(crop, UHD) == 200_000
    low = OffloadPlan(downsampling_mask=np.ones(UHD.shape, bool), restoration_point=1, slicing=Slicing())
    assert computed_pixels(low, UHD) == 15 * 1024**2 / 4


def test_times_follow_pixels():
    times = PairTimes(look_s=0.2, look_scale=0.5, cloud_s=0.1, cloud_fixed_share=0.2, classes_s=0.01)
    size = (2160, 3840)
    whole = LookPlan(views=(View.whole(size, 0.5),))
    assert times.looking_s(whole, size) == pytest.approx(0.2)
    assert times.looking_s(LookPlan(views=whole.views, importance=ImportanceWish()), size) == pytest.approx(0.21)
    assert times.looking_s(LookPlan(views=(View.whole(size),)), size) == pytest.approx(0.8)
    sliced = OffloadPlan(views=(View.whole(size),), slicing=times.slicing)
    assert times.computing_s(sliced, UHD) == pytest.approx(0.1)
    nothing = OffloadPlan(views=(View(top=0, left=0, bottom=1, right=1),), slicing=times.slicing)
    assert times.computing_s(nothing, UHD) == pytest.approx(0.02, rel=1e-3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"look_s": -1},
        {"look_s": math.nan},
        {"cloud_s": math.inf},
        {"cloud_fixed_share": 1.5},
        {"look_scale": 0.0},
    ],
)
def test_impossible_times_are_refused(wrong):
    with pytest.raises(InputError):
        PairTimes(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"class_qualities": (10, 20)},
        {"importance_class": np.zeros((2, 2), np.uint8)},
        {"importance_class": np.zeros((2, 2), np.uint8), "class_qualities": (0,)},
        {"views": (View.whole((9, 9)),), "frame_scale": 0.5},
        {"views": (View.whole((9, 9)),), "importance_class": np.zeros((2, 2), np.uint8), "class_qualities": (9,)},
        {"views": (View.whole((9, 9)),), "downsampling_mask": np.zeros((1, 1), bool)},
    ],
)
def test_plans_that_contradict_themselves_are_refused(wrong):
    with pytest.raises(InputError):
        OffloadPlan(**wrong)
