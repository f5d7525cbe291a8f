"""Who answers a sample that a generalist is unsure of: pure functions from what is known to a `Route`."""

from foveate.policies.routing._base import Router
from foveate.policies.routing.always_largest import AlwaysLargest, NearEdge
from foveate.policies.routing.ask_budget import AskBudget
from foveate.policies.routing.ask_expert import AskExpert
from foveate.policies.routing.no_routing import NoRouting
from foveate.policies.routing.oracle_expert import OracleExpert
from foveate.policies.routing.random_expert import RandomExpert
from foveate.policies.routing.top_k import best_expert, expert_masses, top_classes

__all__ = [
    "AlwaysLargest",
    "AskBudget",
    "AskExpert",
    "NearEdge",
    "NoRouting",
    "OracleExpert",
    "RandomExpert",
    "Router",
    "best_expert",
    "expert_masses",
    "top_classes",
]
