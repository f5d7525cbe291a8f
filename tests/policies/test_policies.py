import numpy as np
import pytest

from foveate.core import InputError
from foveate.policies import POLICIES, Back2Back, Fixed, by_name, parse_policy, policy_parameters
from foveate.testing.policies import GRID, PolicyContract, device_state, one_object


class TestBack2Back(PolicyContract):
    policy = Back2Back()

    def test_it_sends_every_frame_whole_at_quality_95(self):
        for state in (device_state(), device_state(one_object())):
            plan = self.policy.decide(state)
            assert (plan.downsampling_mask, plan.jpeg_quality, plan.restoration_point) == (None, 95, 0)


class TestFixed(PolicyContract):
    policy = Fixed(beta=3, quality=80)

    def test_regions_without_objects_are_downsampled(self):
        plan = self.policy.decide(device_state(one_object()))
        expected = np.ones(GRID.shape, np.bool_)
        expected[0, 1] = False
        assert np.array_equal(plan.downsampling_mask, expected)
        assert (plan.jpeg_quality, plan.restoration_point, plan.downsampling_type) == (80, 3, 2)

    def test_before_a_result_the_quality_is_its_own(self):
        assert self.policy.decide(device_state()).jpeg_quality == 80

    def test_objects_everywhere_give_a_full_frame(self):
        plan = self.policy.decide(device_state(one_object(0, 0, 400)))
        assert (plan.downsampling_mask, plan.restoration_point) == (None, 0)

    def test_a_point_that_the_model_lacks_is_named(self):
        with pytest.raises(InputError, match=r"beta must lie in 0\.\.4 for this model, got 7"):
            Fixed(beta=7).decide(device_state())

    @pytest.mark.parametrize("parameters", [{"beta": -1}, {"quality": 0}, {"quality": 101}])
    def test_parameters_out_of_range_are_refused(self, parameters):
        with pytest.raises(InputError, match=next(iter(parameters))):
            Fixed(**parameters)


def test_eta_counts_from_the_offloaded_frame():
    assert device_state().frames_since_offload is None
    assert device_state(one_object()).frames_since_offload == 4


def test_names_are_the_keys_of_the_registry():
    assert {kind.name: kind for kind in POLICIES.values()} == POLICIES


def test_a_text_becomes_a_policy():
    assert by_name("back2back") == Back2Back()
    assert by_name("fixed") == Fixed()
    assert by_name(" fixed: beta = 4 , quality=80 ") == Fixed(beta=4, quality=80)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("fast", f"unknown policy 'fast'; known policies: {', '.join(sorted(POLICIES))}"),
        ("", "unknown policy ''; known policies"),
        ("fixed:gamma=1", "policy fixed has no parameter 'gamma'; its parameters are beta, quality"),
        ("back2back:beta=1", "policy back2back has no parameter 'beta'; it has no parameters"),
        ("fixed:beta=two", "policy fixed: beta must be a whole number, got 'two'"),
        ("vitmalis:beta=1.5", "policy vitmalis: beta must be a whole number, got '1.5'"),
        ("vitmalis:late=yes", "policy vitmalis: late must be true or false, got 'yes'"),
        ("vitmalis:knee=elbow", "policy vitmalis: knee must be chord or utility, got 'elbow'"),
        ("track-ud:threshold_s=.5s", "policy track-ud: threshold_s must be a number such as 0.5, got '.5s'"),
        ("fixed:quality=500", "quality must lie in 1..100, got 500"),
        ("fixed:beta", "a policy is written"),
        ("fixed:", "a policy is written"),
        ("fixed:beta=1,beta=2", "each parameter once"),
        (":beta=1", "a policy is written"),
    ],
)
def test_a_bad_text_says_what_is_known(text, problem):
    with pytest.raises(InputError) as raised:
        by_name(text)
    assert problem in str(raised.value)
    assert "\n" not in str(raised.value)


def test_parsing_and_listing_parameters():
    assert parse_policy("fixed:beta=4") == ("fixed", {"beta": "4"})
    assert policy_parameters(Fixed(beta=4)) == {"beta": 4, "quality": 95}
    assert policy_parameters(Back2Back()) == {}
