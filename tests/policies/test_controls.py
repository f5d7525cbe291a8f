"""Controls of ViTMAlis: the same choice among fewer things."""

from dataclasses import replace

import numpy as np
import pytest

from foveate.core import Candidates, Estimates, FrameContent, InputError
from foveate.policies import QUALITIES, SCALES, Oracle, RoiOpt, TrackFixed, UniformOpt, VitMAlis, by_name
from foveate.testing.policies import GRID, PolicyContract, device_state, one_object, plain_estimate


class Watch:
    """A plain estimate that remembers what it was asked, and says what a smaller frame is worth."""

    def __init__(self):
        self.asked = None

    def __call__(self, candidates: Candidates) -> Estimates:
        self.asked = candidates
        plain = plain_estimate(candidates)
        return replace(plain, latency_s=plain.latency_s * candidates.frame_scale**2)


class TestUniformOpt(PolicyContract):
    policy = UniformOpt()

    def test_it_compares_21_whole_frames(self):
        watch = Watch()
        self.policy.decide(replace(device_state(one_object()), estimate=watch))
        found = watch.asked
        rows = set(zip(found.frame_scale.tolist(), found.jpeg_quality.tolist(), strict=True))
        assert rows == {(scale, quality) for scale in SCALES for quality in QUALITIES}
        assert len(found) == 21

    def test_a_smaller_frame_is_read_as_downsampled_everywhere_and_restored_last(self):
        watch = Watch()
        self.policy.decide(replace(device_state(one_object()), estimate=watch))
        found, smaller = watch.asked, watch.asked.frame_scale < 1
        assert {tuple(row) for row in np.stack([found.downsampled_regions, found.restoration_point], 1)[smaller]} == {
            (len(GRID), 4)
        }
        assert not found.downsampled_regions[~smaller].any()
        assert found.masks[2].all()

    @pytest.mark.parametrize(("retention", "reason"), [(0.1, "lost"), (1.0, "knee")])
    def test_urgency_is_that_of_vitmalis(self, retention, reason):
        plan = self.policy.decide(replace(device_state(one_object()), estimate=Watch(), retention=retention))
        assert plan.reason == reason
        if reason == "lost":
            assert (plan.frame_scale, plan.jpeg_quality, plan.downsampling_mask) == (0.5, 70, None)
            assert plan.restoration_point == 0  # an image of its own has nothing to restore

    def test_means_of_masks_are_refused(self):
        with pytest.raises(InputError, match="nothing of smaller frames"):
            UniformOpt(content="mean")


class TestRoiOpt(PolicyContract):
    policy = RoiOpt()

    def test_only_the_quality_of_the_full_frame_is_chosen(self):
        watch = Watch()
        plan = self.policy.decide(replace(device_state(one_object()), estimate=watch))
        assert watch.asked.jpeg_quality.tolist() == list(QUALITIES)
        assert (plan.frame_scale, plan.downsampling_mask, plan.blank_mask) == (1.0, None, None)

    def test_in_need_it_takes_the_lowest_quality(self):
        assert self.policy.decide(replace(device_state(one_object()), retention=0.0)).jpeg_quality == 70


class TestTrackFixed(PolicyContract):
    policy = TrackFixed(downsampling_type=1, quality=80, beta=3)

    def test_it_keeps_its_configuration(self):
        plan = self.policy.decide(device_state(one_object()))
        assert (plan.downsampling_type, plan.jpeg_quality, plan.restoration_point) == (1, 80, 3)
        wanted = np.ones(GRID.shape, np.bool_)
        wanted[0, 1] = False  # the region of the object; every region moves
        assert np.array_equal(plan.downsampling_mask, wanted)

    def test_with_nothing_to_downsample_there_is_nothing_to_restore(self):
        plan = replace(self.policy, downsampling_type=0).decide(device_state(one_object()))
        assert (plan.downsampling_mask, plan.restoration_point, plan.jpeg_quality) == (None, 0, 80)

    def test_before_a_result_the_quality_is_its_own(self):
        assert self.policy.decide(device_state()).jpeg_quality == 80

    def test_a_point_that_the_model_lacks_is_named(self):
        with pytest.raises(InputError, match=r"beta must lie in 0\.\.4 for this model, got 7"):
            replace(self.policy, beta=7).decide(device_state())

    @pytest.mark.parametrize("bad", [{"downsampling_type": 3}, {"quality": 0}, {"beta": -1}])
    def test_parameters_out_of_range_are_refused(self, bad):
        with pytest.raises(InputError, match=next(iter(bad))):
            TrackFixed(**bad)


class TestOracle(PolicyContract):
    policy = Oracle()

    @pytest.mark.parametrize(("every", "count"), [(False, 10), (True, 77)])
    def test_it_compares_a_stated_part_of_the_configurations_or_all(self, every, count):
        """A frame with regions of all three types."""
        watch, eye = Watch(), np.eye(*GRID.shape, dtype=np.float32)
        content = FrameContent(region_motion=eye / eye.sum(), frame_motion=0.2, task_relevance=eye[::-1])
        oracle = replace(self.policy, every=every)
        oracle.decide(replace(device_state(one_object()), content=content, estimate=watch))
        assert len(watch.asked) == count == oracle.foreseen

    def test_it_asks_for_the_truth_unless_told_otherwise(self):
        assert self.policy.estimate_options.content == "truth"
        blind = by_name("oracle:content=device")
        assert (blind.estimate_options.content, blind.foreseen, blind.compared) == ("device", 0, 10)

    def test_a_model_without_these_points_is_compared_at_its_own(self):
        plan = self.policy.decide(replace(device_state(one_object()), restoration_points=range(2)))
        assert plan.restoration_point in range(2)


@pytest.mark.parametrize(("name", "count"), [("vitmalis", 77), ("uniform-opt", 21), ("roi-opt", 7)])
def test_any_of_them_may_be_shown_the_truth(name, count):
    assert by_name(name).foreseen == 0
    assert by_name(f"{name}:content=truth").foreseen == count
    if name != "vitmalis":
        watch = Watch()
        by_name(name).decide(replace(device_state(one_object()), estimate=watch))
        assert len(watch.asked) == count


def test_one_picture_changes_how_regions_are_packed_and_nothing_else():
    state = device_state(one_object())
    two, one = (by_name(text).decide(state) for text in ("vitmalis", "vitmalis:one_picture=true"))
    assert (two.one_picture, one.one_picture) == (False, True)
    assert (one.jpeg_quality, one.restoration_point, one.reason) == (
        two.jpeg_quality,
        two.restoration_point,
        two.reason,
    )
    assert np.array_equal(GRID.check_mask(one.downsampling_mask), GRID.check_mask(two.downsampling_mask))


@pytest.mark.parametrize("name", ["uniform-opt", "roi-opt"])
def test_controls_estimate_as_vitmalis_does(name):
    parameters = "knee=utility,link=harmonic,latency=line,content=paper,delta_kappa=0.5,delta_eta_s=2"
    control, whole = by_name(f"{name}:{parameters}"), by_name(f"vitmalis:{parameters}")
    assert isinstance(whole, VitMAlis)
    assert control.estimate_options == whole.estimate_options
    assert (control.knee, control.delta_kappa, control.delta_eta_s) == (
        whole.knee,
        whole.delta_kappa,
        whole.delta_eta_s,
    )
