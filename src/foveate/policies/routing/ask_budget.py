"""Ask the Expert with a threshold that follows a budget and the network at hand."""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from foveate.core import Cost, InputError, Route, RoutingState, ThresholdCurve
from foveate.policies.routing.ask_expert import AskExpert

Goal = Literal["latency", "energy", "accuracy"]


@dataclass(frozen=True, kw_only=True)
class AskBudget:
    """Offloads as many samples as a mean latency or energy allows, or as few as an accuracy needs.

    Mean latency and energy are those of both kinds of answers, weighted by how many samples a threshold offloads;
    held-out pictures tell how many that are (`RoutingState.curve`). Where no threshold keeps the budget, the one that
    exceeds it least is taken. Before anything is known of the network, nothing is offloaded for a latency or an energy;
    heartbeats tell soon.
    """

    name: ClassVar[str] = "ask-budget"
    asks_generalist: ClassVar[bool] = True

    goal: Goal = "latency"
    """What `value` limits: mean `latency` (seconds), mean `energy` (joules), or least `accuracy` (0..1)."""
    value: float = 0.05
    top_k: int = 5
    """Classes considered."""

    def __post_init__(self) -> None:
        if self.goal not in get_args(Goal):
            raise InputError(f"goal must be one of {', '.join(get_args(Goal))}, got {self.goal!r}")
        if not self.value > 0 or self.top_k < 1:
            raise InputError(f"value must be positive and top_k at least 1, got {self.value:g} and {self.top_k}")

    def decide(self, state: RoutingState) -> Route:
        """The route of the router whose threshold the budget gives. Raises `InputError` without a curve."""
        if state.curve is None:
            raise InputError(f"router {self.name} needs what thresholds bring, measured on held-out pictures")
        threshold = self._threshold(state, state.curve)
        return AskExpert(threshold=threshold, top_k=self.top_k).decide(state)

    def _threshold(self, state: RoutingState, curve: ThresholdCurve) -> float:
        if self.goal == "accuracy":
            return curve.threshold_of_accuracy(self.value)
        if state.cost is None or not state.experts:
            return 0.0
        spent = _latency if self.goal == "latency" else _energy
        own = spent(state.cost(None))
        asked = sum(spent(state.cost(expert.name)) for expert in state.experts) / len(state.experts)
        if asked <= own:  # asking is cheaper: nothing speaks against it, least of all a budget that both exceed
            return 1.0
        return curve.threshold_of_share((self.value - own) / (asked - own))


def _latency(cost: Cost) -> float:
    return cost.latency_s


def _energy(cost: Cost) -> float:
    return cost.energy_j
