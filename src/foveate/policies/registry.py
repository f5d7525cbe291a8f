"""Policies by the text that a user writes: `fixed:beta=4,quality=80`."""

from typing import Any

from foveate.policies._base import Policy
from foveate.policies.back2back import Back2Back
from foveate.policies.fixed import Fixed
from foveate.policies.parsing import made_by_name, parse_policy, policy_parameters
from foveate.policies.track_b2b import TrackB2B
from foveate.policies.track_roi import TrackRoI
from foveate.policies.track_ud import TrackUD
from foveate.policies.vitmalis import VitMAlis

POLICIES: dict[str, type[Any]] = {kind.name: kind for kind in (Back2Back, Fixed, TrackB2B, TrackRoI, TrackUD, VitMAlis)}

__all__ = ["POLICIES", "by_name", "parse_policy", "policy_parameters"]


def by_name(text: str) -> Policy:
    """`NAME` or `NAME:parameter=value,...` -> policy. Raises `InputError` that lists what is known."""
    policy: Policy = made_by_name(text, POLICIES)
    return policy
