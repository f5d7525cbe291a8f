# ruff: noqa: D102  # the name of a test is its docstring
"""What every policy promises. Inherit, and say in `policies` which ones to hold to it."""

from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from foveate.core import Candidates, Detections, Estimates, FrameContent, RegionGrid
from foveate.policies import DeviceState, Policy

GRID = RegionGrid(height=200, width=330, window_size=2)
"""4 x 6 regions of 64 pixels, the last row and column clipped."""


def content_of(result: Detections | None) -> FrameContent:
    """Every region moves alike; relevance follows the objects of `result`."""
    boxes = np.zeros((0, 4), np.float32) if result is None else result.boxes
    return FrameContent(
        region_motion=np.full(GRID.shape, 1 / len(GRID), np.float32),
        frame_motion=0.1,
        task_relevance=GRID.overlapping(boxes).astype(np.float32),
    )


def plain_estimate(candidates: Candidates) -> Estimates:
    """Fewer pixels, lower quality and later restoration are faster and worse."""
    low = candidates.downsampled_regions * (1 + candidates.restoration_point)
    size = 1000.0 * candidates.jpeg_quality - 100.0 * low
    return Estimates(
        latency_s=size / 1e5, accuracy=np.sqrt(candidates.jpeg_quality / 100) - low / 1000, size_bytes=size
    )


def device_state(result: Detections | None = None) -> DeviceState:
    """A state at frame 7; with a result, frame 3 was offloaded and seen."""
    seen = None if result is None else 3
    return DeviceState(
        content=content_of(result),
        estimate=plain_estimate,
        last_latency_s=None if result is None else 0.1,
        grid=GRID,
        restoration_points=range(5),
        frame_index=7,
        offloaded_frame=seen,
        result=result,
        result_frame=seen,
    )


def one_object(x: float = 70.0, y: float = 10.0, side: float = 20.0) -> Detections:
    """A result of one object; by default inside region (0, 1)."""
    return Detections(
        boxes=np.array([[x, y, x + side, y + side]], np.float32),
        scores=np.ones(1, np.float32),
        class_id=np.zeros(1, np.int32),
        class_names=("person", "car"),
    )


class PolicyContract:
    """Tests that each policy inherits."""

    policy: Policy

    def test_it_is_a_frozen_keyword_only_dataclass_that_documents_itself(self) -> None:
        kind: Any = type(self.policy)
        assert is_dataclass(kind)
        assert kind.__doc__
        assert all(field.kw_only for field in fields(kind))
        assert isinstance(hash(self.policy), int)  # a dataclass has one only if it is frozen

    def test_without_a_result_it_sends_the_full_frame(self) -> None:
        plan = self.policy.decide(device_state())
        assert plan is not None
        assert plan.downsampled_regions == 0
        assert plan.blank_mask is None
        assert plan.frame_scale == 1

    def test_it_says_whether_it_needs_a_tracker_and_a_profile(self) -> None:
        assert isinstance(self.policy.tracks, bool)
        assert isinstance(self.policy.needs_profile, bool)

    def test_a_device_that_measures_nothing_yet_offloads_all_the_same(self) -> None:
        bare = replace(device_state(one_object()), content=None, estimate=None, last_latency_s=None)
        plan = self.policy.decide(bare)
        assert plan is None or plan.restoration_point in bare.restoration_points

    def test_equal_states_give_equal_plans(self) -> None:
        for result in (None, one_object(), one_object(300, 190, 100)):
            state = device_state(result)
            first, second = self.policy.decide(state), self.policy.decide(replace(state))
            assert (first is None) == (second is None)
            if first is None or second is None:
                continue
            assert np.array_equal(GRID.check_mask(first.downsampling_mask), GRID.check_mask(second.downsampling_mask))
            assert np.array_equal(GRID.check_mask(first.blank_mask), GRID.check_mask(second.blank_mask))
            for name in ("jpeg_quality", "restoration_point", "frame_scale", "reason"):
                assert getattr(first, name) == getattr(second, name)

    def test_its_plans_fit_the_grid_and_the_model(self) -> None:
        state = device_state(one_object())
        plan = self.policy.decide(state)
        if plan is not None:
            GRID.check_mask(plan.downsampling_mask)
            GRID.check_mask(plan.blank_mask)
            assert plan.restoration_point in state.restoration_points
            assert plan.downsampled_regions or plan.restoration_point == 0
