"""A control: nobody is ever asked."""

from dataclasses import dataclass
from typing import ClassVar

from foveate.core import Route, RoutingState


@dataclass(frozen=True, kw_only=True)
class NoRouting:
    """The generalist answers everything: execution on the edge alone."""

    name: ClassVar[str] = "no-routing"
    asks_generalist: ClassVar[bool] = True

    def decide(self, state: RoutingState) -> Route:  # noqa: ARG002
        """The generalist's answer."""
        return Route(expert=None, reason="edge only")
