"""Policies by the text that a user writes: `fixed:beta=4,quality=80`."""

from typing import Any

from foveate.core import InputError
from foveate.policies._base import Policy
from foveate.policies.answering.registry import ANSWER_POLICIES
from foveate.policies.back2back import Back2Back
from foveate.policies.fixed import Fixed
from foveate.policies.oracle import Oracle
from foveate.policies.parsing import made_by_name, parse_policy, policy_parameters
from foveate.policies.roi_opt import RoiOpt
from foveate.policies.track_b2b import TrackB2B
from foveate.policies.track_fixed import TrackFixed
from foveate.policies.track_roi import TrackRoI
from foveate.policies.track_ud import TrackUD
from foveate.policies.uniform_opt import UniformOpt
from foveate.policies.vitmalis import VitMAlis

_KINDS = (Back2Back, Fixed, Oracle, RoiOpt, TrackB2B, TrackFixed, TrackRoI, TrackUD, UniformOpt, VitMAlis)
POLICIES: dict[str, type[Any]] = {kind.name: kind for kind in _KINDS}

__all__ = ["POLICIES", "by_name", "check_known", "parse_policy", "policy_parameters"]


def check_known(text: str) -> None:
    """Raise `InputError`, which lists all policies of either kind, unless the text names one of them."""
    name, _ = parse_policy(text)
    known = {**POLICIES, **ANSWER_POLICIES}
    if name not in known:
        raise InputError(f"unknown policy {name!r}; known policies: {', '.join(sorted(known))}")


def by_name(text: str) -> Policy:
    """`NAME` or `NAME:parameter=value,...` -> policy. Raises `InputError` that lists what is known."""
    policy: Policy = made_by_name(text, POLICIES, elsewhere=ANSWER_POLICIES)
    return policy
