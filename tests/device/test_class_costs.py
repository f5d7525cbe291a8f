"""What classes are expected to cost follows from what offloads took, whatever kind of plan they were."""

from dataclasses import replace

import numpy as np
import pytest

from foveate.core import OffloadPlan
from foveate.device.class_costs import ClassCosting
from foveate.policies.answering import HyperionMixed
from foveate.testing.answer_policies import frame_state
from foveate.testing.profiles import class_profile

CLASSES = (np.arange(60).reshape(6, 10) % 3).astype(np.uint8)


@pytest.mark.parametrize("model", ["line", "table"])
def test_a_plan_that_took_twice_as_much_doubles_what_is_expected(model):
    costing = ClassCosting(class_profile(), model)
    before = costing.costs(CLASSES, 1000).expected_bytes((50, 50, 50))
    plan = OffloadPlan(jpeg_quality=50, expected_bytes=before)
    costing.sent(plan, size_bytes=round(2 * before), thumbnail_bytes=1000)
    assert costing.costs(CLASSES, 1000).expected_bytes((50, 50, 50)) == pytest.approx(2 * before, rel=1e-3)
    # half as much detail, half as many bytes
    assert costing.costs(CLASSES, 500).expected_bytes((50, 50, 50)) == pytest.approx(before, rel=1e-3)


def test_a_plan_of_which_nothing_was_expected_tells_nothing():
    costing = ClassCosting(class_profile(), "table")
    before = costing.costs(CLASSES, 1000)
    costing.sent(OffloadPlan(jpeg_quality=50), size_bytes=10**6, thumbnail_bytes=1000)
    costing.sent(OffloadPlan(jpeg_quality=50, expected_bytes=1.0), size_bytes=10**6, thumbnail_bytes=1000)
    assert np.array_equal(costing.costs(CLASSES, 1000).size_bytes, before.size_bytes)


def test_a_plan_at_the_end_of_the_line_tells_nothing():
    profile = class_profile()
    costing = ClassCosting(replace(profile, line=replace(profile.line, intercept=-0.5)), "line")
    before = costing.costs(CLASSES, 1000)
    lowest = before.expected_bytes((10, 10, 10))
    assert lowest == before.least_bytes > 0
    costing.sent(OffloadPlan(jpeg_quality=10, expected_bytes=lowest), size_bytes=10**6, thumbnail_bytes=1000)
    assert costing.costs(CLASSES, 1000).least_bytes == before.least_bytes


def test_a_downsampled_region_is_expected_to_take_fewer_bytes():
    state = frame_state()
    nothing = replace(state, classes=np.full_like(state.classes, 2))
    sparse, whole = (HyperionMixed().decide(one) for one in (replace(state, classes=0 * state.classes), nothing))
    per_quality = [plan.expected_bytes / plan.jpeg_quality for plan in (sparse, whole)]
    assert per_quality[0] < 0.5 * per_quality[1]
