"""What does not fit a model is told before a run; what fits is never refused."""

from contextlib import nullcontext

import pytest

from foveate.core import InputError
from foveate.estimators import load_profile, shipped_profiles
from foveate.evaluation.rehearsal import rehearse
from foveate.policies import POLICIES, by_name
from foveate.server import welcome_of
from foveate.testing import FakeDetector

WELCOME = welcome_of(FakeDetector())
PROFILES = [name for name in shipped_profiles() if load_profile(name).content is not None]
"""Those of streaming policies."""


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    "policy", [*sorted(POLICIES), "vitmalis:content=paper", "vitmalis:aim=shown", "vitmalis:late=true"]
)
def test_policies_fit_the_profiles_that_ship(policy, profile):
    known = load_profile(profile)
    lacking = policy.endswith("late=true") and known.server.late is None
    told = pytest.raises(InputError, match="the profile knows restoration points") if lacking else nullcontext()
    for size in ((1080, 1920), (64, 96)):
        with told:
            rehearse(by_name(policy), known, WELCOME, size)


def test_a_restoration_point_that_the_model_lacks_is_told_without_a_profile():
    rehearse(by_name("fixed:beta=4"), None, WELCOME, (480, 640))
    with pytest.raises(InputError, match=r"beta must lie in 0\.\.4"):
        rehearse(by_name("fixed:beta=5"), None, WELCOME, (480, 640))
