import numpy as np
import pytest

from foveate.core import ImportanceWish, InputError, LookPlan, View, box_importance
from foveate.device import Looking
from foveate.testing import FakeDetector, moving_squares
from foveate.testing.glances import FakeDeviceModel

PIXELS = next(moving_squares(1))
SIZE = PIXELS.shape[:2]
TRUTH = FakeDetector().detect_batch([PIXELS])[0]


def test_boxes_are_those_of_the_frame_whatever_the_scale():
    for scale in (1.0, 0.5):
        look = Looking(FakeDeviceModel())(PIXELS, LookPlan(views=(View.whole(SIZE, scale),)))
        assert np.abs(np.sort(look.detections.boxes, axis=0) - np.sort(TRUTH.boxes, axis=0)).max() <= 4
        assert look.importance_class is None
        assert look.thumbnail_bytes == 0


def test_what_two_views_see_counts_once():
    left, right = View(top=0, left=0, bottom=128, right=120), View(top=0, left=0, bottom=128, right=192)
    look = Looking(FakeDeviceModel())(PIXELS, LookPlan(views=(left, right)))
    assert len(look.detections) == len(TRUTH)


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_patches_of_objects_are_of_a_higher_class_than_grey_ones(scale):
    look = Looking(FakeDeviceModel())(PIXELS, LookPlan(views=(View.whole(SIZE, scale),), importance=ImportanceWish()))
    assert look.importance_class.shape == (8, 12)
    assert look.importance_class.dtype == np.uint8
    x, y = ((TRUTH.boxes[0, axis] + TRUTH.boxes[0, axis + 2]) / 2 for axis in (0, 1))
    assert look.importance_class[int(y // 16), int(x // 16)] > 0
    assert look.importance_class[7, 11] == 0
    assert look.thumbnail_bytes > 0


@pytest.mark.parametrize(
    "plan",
    [
        LookPlan(views=()),
        LookPlan(views=(View(top=0, left=0, bottom=64, right=192),), importance=ImportanceWish()),
        LookPlan(views=(View.whole(SIZE), View.whole(SIZE)), importance=ImportanceWish()),
    ],
)
def test_looks_that_cannot_be_are_refused(plan):
    with pytest.raises(InputError):
        Looking(FakeDeviceModel())(PIXELS, plan)


def test_patches_with_suspected_boxes_are_important_without_attention():
    model = FakeDeviceModel()

    def attentionless(pixels, layers):
        assert layers is None
        return model(pixels, None)

    plan = LookPlan(views=(View.whole(SIZE, 0.5),), importance=ImportanceWish(source="boxes"))
    look = Looking(attentionless)(PIXELS, plan)
    wanted = box_importance(look.detections, frame_size=SIZE)
    assert len(look.detections) == len(TRUTH)
    assert np.array_equal(look.importance_class > 0, wanted > 0)
    assert look.thumbnail_bytes > 0


def test_a_model_without_importance_is_named():
    model = FakeDeviceModel()
    with pytest.raises(InputError, match="tells no importance"):
        Looking(lambda pixels, layers: model(pixels, None))(
            PIXELS, LookPlan(views=(View.whole(SIZE),), importance=ImportanceWish())
        )
