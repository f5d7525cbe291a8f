"""A control: the largest model for whatever is unsure, or for everything."""

from dataclasses import dataclass
from typing import ClassVar

from foveate.core import InputError, Route, RoutingState


@dataclass(frozen=True, kw_only=True)
class AlwaysLargest:
    """Asks the largest model there is, whatever the generalist's guesses are."""

    name: ClassVar[str] = "always-largest"
    asks_generalist: ClassVar[bool] = True

    threshold: float = 0.6
    """Calibrated confidence from which the generalist's answer stands, 0..1."""

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise InputError(f"threshold must lie in 0..1, got {self.threshold:g}")

    def decide(self, state: RoutingState) -> Route:
        """The generalist if it is sure, else the largest expert; of equal ones that with most classes, then by name."""
        if state.probabilities.max() >= self.threshold or not state.experts:
            return Route(expert=None, reason="sure" if state.experts else "alone")
        return Route(expert=largest(state), reason="unsure")


@dataclass(frozen=True, kw_only=True)
class NearEdge:
    """No generalist: every sample goes to the largest model as it comes."""

    name: ClassVar[str] = "near-edge"
    asks_generalist: ClassVar[bool] = False

    def decide(self, state: RoutingState) -> Route:
        """The largest expert; nobody if there is none."""
        return Route(expert=largest(state), reason="all") if state.experts else Route(expert=None, reason="alone")


def largest(state: RoutingState) -> str:
    """Name of the largest expert."""
    return min(state.experts, key=lambda e: (-e.relative_size, -len(e.subset), e.name)).name
