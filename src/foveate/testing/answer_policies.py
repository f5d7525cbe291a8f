# ruff: noqa: D102  # the name of a test is its docstring
"""What every answering policy promises. Inherit, and say in `policy` which one to hold to it."""

from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from foveate.core import CLASS_QUALITIES, Detections, Look, OffloadPlan, RegionGrid, Slicing
from foveate.policies.answering import AnswerPolicy, ClassCosts, FrameState

GRID = RegionGrid(height=200, width=330, window_size=2)
"""13 x 21 patches of 16 pixels, the last row and column clipped."""
CLASSES = (np.arange(13 * 21).reshape(13, 21) % 3).astype(np.uint8)


def objects(*lefts: float) -> Detections:
    """A person of 20 x 40 pixels at each place."""
    return Detections(
        boxes=np.array([[left, 60.0, left + 20, 100.0] for left in lefts], np.float32).reshape(-1, 4),
        scores=np.full(len(lefts), 0.9, np.float32),
        class_id=np.zeros(len(lefts), np.int32),
        class_names=("person", "car"),
    )


def frame_state(*, budget_bytes: float | None = 50_000.0, seen: bool = True) -> FrameState:
    """A state at frame 9: two answers, and what the device saw, if `seen`."""
    quality = np.array(CLASS_QUALITIES, np.float64)
    costs = ClassCosts(
        qualities=CLASS_QUALITIES,
        size_bytes=np.outer((0.5, 0.3, 0.2), 1000 * quality),
        accuracy=np.outer((0.1, 0.2, 0.7), quality),
    )
    return FrameState(
        grid=GRID,
        frame_index=9,
        deadline_s=0.4,
        slicing=Slicing(side=128),
        answers=((3, objects(40.0, 200.0)), (6, objects(46.0, 200.0))),
        taken=3,
        offloads=3,
        look=Look(detections=objects(52.0), importance_class=CLASSES, thumbnail_bytes=900) if seen else None,
        classes=CLASSES if seen else None,
        costs=costs if seen else None,
        budget_bytes=lambda _plan: budget_bytes,
    )


class AnswerPolicyContract:
    """Tests that each answering policy inherits."""

    policy: AnswerPolicy

    def test_it_is_a_frozen_keyword_only_dataclass_that_documents_itself(self) -> None:
        kind: Any = type(self.policy)
        assert is_dataclass(kind)
        assert kind.__doc__
        assert all(field.kw_only for field in fields(kind))
        assert isinstance(hash(self.policy), int)  # a dataclass has one only if it is frozen

    def test_its_look_lies_in_the_frame(self) -> None:
        for state in (frame_state(seen=False), replace(frame_state(seen=False), answers=())):
            plan = self.policy.look(state)
            assert plan.views
            for view in (*plan.views, *plan.kept):
                assert view.bottom <= GRID.height
                assert view.right <= GRID.width

    def test_importance_is_asked_of_one_view_of_the_whole_frame(self) -> None:
        plan = self.policy.look(frame_state(seen=False))
        if plan.importance is not None:
            (view,) = plan.views
            assert (view.top, view.left, view.bottom, view.right) == (0, 0, GRID.height, GRID.width)

    def test_it_sends_only_if_it_says_that_it_does(self) -> None:
        plan = self.policy.decide(frame_state())
        assert (plan is not None) == self.policy.offloads

    def test_what_it_sends_fits_the_frame(self) -> None:
        plan = self.policy.decide(frame_state())
        if plan is None:
            return
        GRID.check_mask(plan.downsampling_mask)
        assert plan.importance_class is None or plan.importance_class.shape == CLASSES.shape
        assert all(view.bottom <= GRID.height and view.right <= GRID.width for view in plan.views)
        assert plan.frame_scale == 1

    def test_without_any_knowledge_it_still_decides(self) -> None:
        bare = replace(frame_state(budget_bytes=None, seen=False), answers=(), taken=0, offloads=0)
        plan = self.policy.decide(bare)
        assert plan is None or plan.views

    def test_equal_states_give_equal_plans(self) -> None:
        first, second = (self.policy.decide(frame_state()) for _ in range(2))
        assert _content(first) == _content(second)
        assert self.policy.look(frame_state()) == self.policy.look(frame_state())

    def test_weights_of_both_results_make_a_mean(self) -> None:
        fusion = self.policy.fusion
        assert fusion is None or (min(fusion.device, fusion.cloud) >= 0 and fusion.device + fusion.cloud > 0)


def _content(plan: OffloadPlan | None) -> tuple[object, ...]:
    if plan is None:
        return ()
    arrays = [None if array is None else array.tobytes() for array in (plan.downsampling_mask, plan.importance_class)]
    return (*arrays, plan.jpeg_quality, plan.class_qualities, plan.views, plan.restoration_point, plan.reason)
