"""What to offload and how: pure functions from what a device knows to an `OffloadPlan`. No clocks, no I/O."""

from foveate.policies._base import DeviceState, Policy
from foveate.policies.back2back import Back2Back
from foveate.policies.fixed import Fixed
from foveate.policies.registry import POLICIES, by_name, parse_policy, policy_parameters

__all__ = [
    "POLICIES",
    "Back2Back",
    "DeviceState",
    "Fixed",
    "Policy",
    "by_name",
    "parse_policy",
    "policy_parameters",
]
