"""Routers by the text that a user writes: `ask-expert:threshold=0.5,top_k=3`."""

from typing import Any

from foveate.policies.parsing import made_by_name, policy_parameters
from foveate.policies.routing import (
    AlwaysLargest,
    AskBudget,
    AskExpert,
    NearEdge,
    NoRouting,
    OracleExpert,
    RandomExpert,
    Router,
)

ROUTERS: dict[str, type[Any]] = {
    kind.name: kind for kind in (AlwaysLargest, AskBudget, AskExpert, NearEdge, NoRouting, OracleExpert, RandomExpert)
}


def router_by_name(text: str) -> Router:
    """`NAME` or `NAME:parameter=value,...` -> router. Raises `InputError` that lists what is known."""
    router: Router = made_by_name(text, ROUTERS, family="router")
    return router


def router_text(router: Router) -> str:
    """The inverse of `router_by_name`."""
    given = [f"{name}={value}" for name, value in policy_parameters(router).items() if value is not None]
    return f"{router.name}:{','.join(given)}" if given else router.name


__all__ = ["ROUTERS", "router_by_name", "router_text"]
