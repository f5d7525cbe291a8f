# ruff: noqa: D102  # the name of a test is its docstring
"""What every router promises. Inherit, and say in `router` which one to hold to it."""

from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from foveate.core import Cost, ExpertCard, RoutingState, ThresholdCurve
from foveate.policies import Router

EXPERTS = (
    ExpertCard(name="animals", subset=(0, 1, 2)),
    ExpertCard(name="vehicles", subset=(3, 4)),
    ExpertCard(name="whole", subset=(0, 1, 2, 3, 4, 5), relative_size=2.0),
)
CURVE = ThresholdCurve(
    thresholds=np.array([0.0, 0.3, 0.6, 1.0]),
    offloaded=np.array([0.0, 0.2, 0.5, 1.0]),
    accuracy=np.array([0.5, 0.6, 0.7, 0.72]),
)


def plain_cost(expert: str | None) -> Cost:
    """The generalist takes 10 ms and 10 mJ, an expert 50 ms and 100 mJ."""
    return Cost(latency_s=0.01, energy_j=0.01) if expert is None else Cost(latency_s=0.05, energy_j=0.1)


def routing_state(*probabilities: float, **changes: Any) -> RoutingState:
    """A state of six classes; what is missing to 1 goes to the last ones evenly."""
    rest = (1 - sum(probabilities)) / max(6 - len(probabilities), 1)
    values = np.array([*probabilities, *[rest] * (6 - len(probabilities))])
    state = RoutingState(probabilities=values, experts=EXPERTS, sample=3, cost=plain_cost, curve=CURVE, label=1)
    return replace(state, **changes)


class RouterContract:
    """Tests that each router inherits."""

    router: Router

    def test_it_is_a_frozen_keyword_only_dataclass_that_documents_itself(self) -> None:
        kind: Any = type(self.router)
        assert is_dataclass(kind)
        assert kind.__doc__
        assert all(field.kw_only for field in fields(kind))
        assert isinstance(hash(self.router), int)

    def test_without_experts_the_generalist_answers(self) -> None:
        assert self.router.decide(routing_state(0.2, experts=())).expert is None

    def test_it_asks_only_experts_that_are_there(self) -> None:
        for probabilities in ((0.2, 0.2), (0.9,), (0.0, 0.0, 0.0, 0.5), (0.1, 0.1, 0.1, 0.1, 0.1)):
            route = self.router.decide(routing_state(*probabilities))
            assert route.expert in {None, *(expert.name for expert in EXPERTS)}

    def test_it_gives_a_reason(self) -> None:
        assert self.router.decide(routing_state(0.2)).reason

    def test_equal_states_give_equal_routes(self) -> None:
        for probabilities in ((0.2, 0.2), (0.9,), (0.3, 0.3, 0.1)):
            assert self.router.decide(routing_state(*probabilities)) == self.router.decide(
                routing_state(*probabilities)
            )

    def test_the_order_of_the_roster_does_not_matter(self) -> None:
        for probabilities in ((0.2, 0.2), (0.3, 0.1, 0.1), (0.0, 0.0, 0.0, 0.3, 0.3)):
            state = routing_state(*probabilities)
            turned = replace(state, experts=EXPERTS[::-1])
            assert self.router.decide(state) == self.router.decide(turned)
