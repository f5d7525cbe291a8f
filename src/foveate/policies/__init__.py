"""What to offload and how: pure functions from what a device knows to an `OffloadPlan`. No clocks, no I/O."""

from foveate.policies._balancing import candidate_plan
from foveate.policies._base import DeviceState, Estimating, Foreseeing, Overlapping, Policy
from foveate.policies.back2back import Back2Back
from foveate.policies.configurations import QUALITIES, SCALES, configurations, uniform_configurations
from foveate.policies.fixed import Fixed
from foveate.policies.frontier import expected_f1, knee_point, pareto_frontier
from foveate.policies.knapsack import best_choice, size_budget_bytes, whole_kib
from foveate.policies.oracle import Oracle
from foveate.policies.region_types import RegionType, downsampling_mask, region_types
from foveate.policies.registry import POLICIES, by_name, check_known, parse_policy, policy_parameters
from foveate.policies.roi_opt import RoiOpt
from foveate.policies.router import ROUTERS, router_by_name, router_text
from foveate.policies.routing import Router
from foveate.policies.track_b2b import TrackB2B
from foveate.policies.track_fixed import TrackFixed
from foveate.policies.track_roi import TrackRoI
from foveate.policies.track_ud import TrackUD
from foveate.policies.uniform_opt import UniformOpt
from foveate.policies.vitmalis import VitMAlis

__all__ = [
    "POLICIES",
    "QUALITIES",
    "ROUTERS",
    "SCALES",
    "Back2Back",
    "DeviceState",
    "Estimating",
    "Fixed",
    "Foreseeing",
    "Oracle",
    "Overlapping",
    "Policy",
    "RegionType",
    "RoiOpt",
    "Router",
    "TrackB2B",
    "TrackFixed",
    "TrackRoI",
    "TrackUD",
    "UniformOpt",
    "VitMAlis",
    "best_choice",
    "by_name",
    "candidate_plan",
    "check_known",
    "configurations",
    "downsampling_mask",
    "expected_f1",
    "knee_point",
    "pareto_frontier",
    "parse_policy",
    "policy_parameters",
    "region_types",
    "router_by_name",
    "router_text",
    "size_budget_bytes",
    "uniform_configurations",
    "whole_kib",
]
