"""Routers by the text that a user writes: `ask-expert:threshold=0.5,top_k=3`."""

from typing import Any

from foveate.policies.parsing import made_by_name
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


__all__ = ["ROUTERS", "router_by_name"]
