"""Region types, configurations, and algorithm 1 on hand-made cases."""

from dataclasses import replace

import numpy as np
import pytest

from foveate.core import Candidates, EstimateOptions, Estimates, FrameContent, InputError
from foveate.policies import (
    RegionType,
    TrackB2B,
    TrackRoI,
    TrackUD,
    VitMAlis,
    by_name,
    configurations,
    downsampling_mask,
    region_types,
)
from foveate.testing.policies import GRID, PolicyContract, content_of, device_state, one_object, plain_estimate

SBR, CMR, DOR = RegionType.SBR, RegionType.CMR, RegionType.DOR


def content(motion, relevance):
    return FrameContent(
        region_motion=np.array(motion, np.float32), frame_motion=0.2, task_relevance=np.array(relevance, np.float32)
    )


FOUR_BY_SIX = content(np.eye(4, 6) / 4, np.eye(4, 6)[::-1])
"""All three types."""
FOUR = content([[0.0005, 0.001], [0.4985, 0.5]], [[0.0, 0.0], [0.0, 1.0]])


def test_types_by_the_printed_rule():
    assert region_types(FOUR).tolist() == [[SBR, CMR], [CMR, DOR]]


def test_an_object_that_stands_still_is_static_unless_relevance_comes_first():
    still = content([[0.0, 1.0]], [[1.0, 0.0]])
    assert region_types(still).tolist() == [[SBR, CMR]]
    assert region_types(still, relevance_first=True).tolist() == [[DOR, CMR]]


def test_thresholds_are_inclusive_for_motion_and_exclusive_for_relevance():
    edge = content([[0.2, 0.8]], [[0.3, 0.3]])
    assert region_types(edge, delta_m=0.2, delta_rho=0.3).tolist() == [[CMR, CMR]]
    assert region_types(edge, delta_m=0.21, delta_rho=0.29).tolist() == [[SBR, DOR]]


def test_masks_of_the_three_types():
    types = region_types(FOUR)
    assert not downsampling_mask(types, 0).any()
    assert downsampling_mask(types, 1).tolist() == [[False, True], [True, False]]
    assert downsampling_mask(types, 2).tolist() == [[True, True], [True, False]]
    with pytest.raises(InputError, match="0, 1 or 2, got 3"):
        downsampling_mask(types, 3)


def test_there_are_77_configurations():
    candidates = configurations(region_types(FOUR), FOUR, restoration_points=range(5))
    assert len(candidates) == 77
    rows = set(
        zip(
            candidates.downsampling_type.tolist(),
            candidates.jpeg_quality.tolist(),
            candidates.restoration_point.tolist(),
            strict=True,
        )
    )
    wanted = {(0, q, 0) for q in range(70, 101, 5)}
    wanted |= {(t, q, b) for t in (1, 2) for q in range(70, 101, 5) for b in range(5)}
    assert rows == wanted


def test_candidates_carry_the_regions_and_the_motion_of_their_masks():
    candidates = configurations(region_types(FOUR), FOUR, restoration_points=range(5))
    by_type = {
        int(t): (int(n), round(float(m), 4))
        for t, n, m in zip(
            candidates.downsampling_type, candidates.downsampled_regions, candidates.downsampled_motion, strict=True
        )
    }
    assert by_type == {0: (0, 0.0), 1: (2, 0.4995), 2: (3, 0.5)}


@pytest.mark.parametrize(
    ("motion", "relevance", "kinds"),
    [
        ([[0.5, 0.5]], [[1.0, 1.0]], {0}),  # all DOR: nothing to downsample
        ([[0.5, 0.5]], [[1.0, 0.0]], {0, 1}),  # no SBR: types 1 and 2 are one
        ([[0.0, 1.0]], [[0.0, 1.0]], {0, 2}),  # no CMR: type 1 would do nothing
    ],
)
def test_configurations_of_equal_effect_count_once(motion, relevance, kinds):
    it = content(motion, relevance)
    chosen = configurations(region_types(it), it, restoration_points=range(5))
    assert set(chosen.masks) == kinds
    assert set(chosen.downsampling_type.tolist()) == kinds


class TestVitMAlis(PolicyContract):
    policy = VitMAlis()

    def test_the_knee_in_calm_times(self):
        plan = self.policy.decide(device_state(one_object()))
        assert plan.reason == "knee"

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"retention": 0.69}, "lost"),
            ({"frame_index": 34}, "stale"),
            ({"frame_index": 34, "retention": 0.1}, "lost stale"),
            ({"retention": 0.7, "frame_index": 33}, "knee"),
        ],
    )
    def test_urgency_takes_the_fastest(self, changes, reason):
        state = replace(device_state(one_object()), **changes)
        plan = self.policy.decide(state)
        assert plan.reason == reason
        if reason != "knee":
            assert (plan.downsampling_type, plan.jpeg_quality, plan.restoration_point) == (1, 70, 4)

    def test_staleness_is_time_not_frames(self):
        state = replace(device_state(one_object()), frame_index=20, frame_interval_s=0.1)
        assert self.policy.decide(state).reason == "stale"

    def test_a_single_best_configuration_is_taken_even_when_urgent(self):
        def one_best(candidates: Candidates) -> Estimates:
            best = (candidates.jpeg_quality == 80) & (candidates.downsampling_type == 0)
            return Estimates(
                latency_s=np.where(best, 0.1, 0.5), accuracy=np.where(best, 0.9, 0.2), size_bytes=np.ones(len(best))
            )

        plan = self.policy.decide(replace(device_state(one_object()), estimate=one_best, retention=0.0))
        assert (plan.reason, plan.jpeg_quality, plan.downsampling_mask) == ("lost only", 80, None)

    def test_objects_keep_their_pixels(self):
        for retention in (1.0, 0.0):
            plan = self.policy.decide(replace(device_state(one_object()), retention=retention))
            assert plan.downsampling_mask is None or not plan.downsampling_mask[0, 1]

    def test_its_parameters_say_how_estimates_are_made(self):
        assert self.policy.estimate_options == EstimateOptions(link="mean", latency="best", content="device")
        other = by_name("vitmalis:link=harmonic,latency=line,content=paper")
        assert other.estimate_options == EstimateOptions(link="harmonic", latency="line", content="paper")
        with pytest.raises(InputError, match="vitmalis"):
            by_name("vitmalis:link=median")

    def test_without_region_types_static_regions_are_never_kept_alone(self):
        asked = []

        def watched(candidates: Candidates) -> Estimates:
            asked.append(set(candidates.downsampling_type.tolist()))
            return plain_estimate(candidates)

        state = replace(device_state(one_object()), content=FOUR_BY_SIX, estimate=watched)
        self.policy.decide(state)
        replace(self.policy, region_typing=False).decide(state)
        assert asked == [{0, 1, 2}, {0, 2}]

    def test_with_a_given_restoration_point_no_other_is_compared(self):
        for retention in (1.0, 0.0):
            plan = replace(self.policy, beta=2).decide(replace(device_state(one_object()), retention=retention))
            assert plan.restoration_point == (2 if plan.downsampled_regions else 0)
        with pytest.raises(InputError, match=r"beta must lie in 0\.\.4 for this model, got 9"):
            replace(self.policy, beta=9).decide(device_state(one_object()))

    @pytest.mark.parametrize("retention", [1.0, 0.0])
    def test_late_restoration_is_beyond_all_points_that_are_offered(self, retention):
        asked = []

        def watched(candidates: Candidates) -> Estimates:
            asked.append(set(candidates.restoration_point[candidates.downsampled_regions > 0].tolist()))
            return plain_estimate(candidates)

        state = replace(device_state(one_object()), estimate=watched, retention=retention)
        plan = replace(self.policy, late=True).decide(state)
        assert asked == [{5}]
        assert plan.restoration_point == (5 if plan.downsampled_regions else 0)
        with pytest.raises(InputError, match="leaves no beta to choose"):
            VitMAlis(late=True, beta=4)

    def test_what_will_be_shown_knows_no_urgency(self):
        policy = by_name("vitmalis:aim=shown")
        for changes in ({}, {"retention": 0.1}, {"frame_index": 90}):
            assert policy.decide(replace(device_state(one_object()), **changes)).reason == "shown"

    @pytest.mark.parametrize("useless", ["knee=utility", "delta_eta_s=2", "delta_kappa=0.5"])
    def test_what_would_do_nothing_beside_that_aim_is_refused(self, useless):
        with pytest.raises(InputError, match="knows neither knee nor urgency"):
            by_name(f"vitmalis:aim=shown,{useless}")

    def test_the_faster_results_fade_the_faster_the_answer(self):
        policy, asked = by_name("vitmalis:aim=shown"), device_state(one_object())
        plans = [
            policy.decide(replace(asked, content=replace(content_of(one_object()), fading_per_s=rate)))
            for rate in (0.0, 0.3, 0.5, 0.7, 1.0, 30.0)
        ]
        chosen = [(plan.downsampled_regions, -plan.jpeg_quality, plan.restoration_point) for plan in plans]
        assert (chosen[0], chosen[-1]) == ((0, -100, 0), (23, -70, 4))
        assert chosen == sorted(chosen)

    @pytest.mark.parametrize("missing", ["content", "estimate"])
    def test_while_nothing_is_measured_it_sends_the_full_frame(self, missing):
        plan = self.policy.decide(replace(device_state(one_object()), **{missing: None}))
        assert plan.downsampling_mask is None

    def test_it_needs_a_profile_and_says_so(self):
        assert self.policy.needs_profile

    @pytest.mark.parametrize(
        "bad", [{"delta_m": 2}, {"delta_kappa": -0.1}, {"delta_eta_s": 0}, {"delta_eta_s": np.nan}, {"beta": -1}]
    )
    def test_thresholds_out_of_range_are_refused(self, bad):
        with pytest.raises(InputError, match=next(iter(bad))):
            VitMAlis(**bad)


class TestTrackB2B(PolicyContract):
    policy = TrackB2B()


class TestTrackRoI(PolicyContract):
    policy = TrackRoI()

    def test_regions_without_moving_objects_are_blanked(self):
        plan = self.policy.decide(device_state(one_object()))
        wanted = np.ones(GRID.shape, np.bool_)
        wanted[0, 1] = False
        assert np.array_equal(plan.blank_mask, wanted)
        assert plan.jpeg_quality == 95

    def test_without_any_such_region_the_frame_is_full(self):
        state = device_state(one_object())
        assert self.policy.decide(replace(state, content=content_of(None))).blank_mask is None


class TestTrackUD(PolicyContract):
    policy = TrackUD()

    @pytest.mark.parametrize(("latency_s", "scale"), [(None, 1.0), (0.5, 1.0), (0.51, 0.5)])
    def test_slow_offloads_halve_the_frame(self, latency_s, scale):
        plan = self.policy.decide(replace(device_state(one_object()), last_latency_s=latency_s))
        assert plan.frame_scale == scale
        assert plan.downsampling_mask is None

    def test_another_scale_can_be_chosen(self):
        plan = TrackUD(scale=0.75).decide(replace(device_state(one_object()), last_latency_s=0.6))
        assert plan.frame_scale == 0.75

    @pytest.mark.parametrize("threshold_s", [0.0, np.nan])
    def test_a_threshold_that_is_none_is_refused(self, threshold_s):
        with pytest.raises(InputError, match="threshold_s must be positive"):
            TrackUD(threshold_s=threshold_s)

    @pytest.mark.parametrize("scale", [0.0, 1.0, np.nan])
    def test_a_scale_that_makes_nothing_smaller_is_refused(self, scale):
        with pytest.raises(InputError, match="scale must lie between 0 and 1"):
            TrackUD(scale=scale)
