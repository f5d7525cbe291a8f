"""Ask the Expert: a sample of low confidence goes to the one expert that the top-k classes point to."""

from dataclasses import dataclass
from typing import ClassVar

from foveate.core import InputError, Route, RoutingState
from foveate.policies.routing.top_k import best_expert


@dataclass(frozen=True, kw_only=True)
class AskExpert:
    """The paper's router: below a confidence, ask the expert with the most mass among the top-k classes."""

    name: ClassVar[str] = "ask-expert"
    asks_generalist: ClassVar[bool] = True

    threshold: float = 0.6
    """Calibrated confidence of the generalist from which its answer stands, 0..1."""
    top_k: int = 5
    """Classes considered."""
    max_latency_s: float | None = None
    """Expert answers that are expected to take longer are not asked for; None = no limit."""
    max_energy_j: float | None = None
    """The same for energy."""

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1 or self.top_k < 1:
            raise InputError(
                f"threshold must lie in 0..1 and top_k be at least 1, got {self.threshold:g} and {self.top_k}"
            )
        for name in ("max_latency_s", "max_energy_j"):
            limit = getattr(self, name)
            if limit is not None and not limit > 0:
                raise InputError(f"{name} must be positive, got {limit:g}")

    def decide(self, state: RoutingState) -> Route:
        """The generalist's answer if it is sure, if no expert covers its guesses, or if asking costs too much."""
        if state.probabilities.max() >= self.threshold:
            return Route(expert=None, reason="sure")
        expert = best_expert(state.probabilities, state.experts, self.top_k)
        if expert is None:
            return Route(expert=None, reason="uncovered" if state.experts else "alone")
        if state.cost is not None:
            cost = state.cost(expert.name)
            if self.max_latency_s is not None and cost.latency_s > self.max_latency_s:
                return Route(expert=None, reason="too slow")
            if self.max_energy_j is not None and cost.energy_j > self.max_energy_j:
                return Route(expert=None, reason="too dear")
        return Route(expert=expert.name, reason="unsure")
