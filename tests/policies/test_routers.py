from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveate.core import ExpertCard, InputError, ThresholdCurve
from foveate.evaluation.experts.choose import route_all
from foveate.policies import ROUTERS, router_by_name, router_text
from foveate.policies.routing import (
    AlwaysLargest,
    AskBudget,
    AskExpert,
    NearEdge,
    NoRouting,
    OracleExpert,
    RandomExpert,
    best_expert,
    expert_masses,
)
from foveate.testing.routers import CURVE, EXPERTS, RouterContract, plain_cost, routing_state

SMALL = EXPERTS[:2]


class TestAskExpert(RouterContract):
    router = AskExpert()


class TestAskBudget(RouterContract):
    router = AskBudget(goal="accuracy", value=0.65)


class TestRandomExpert(RouterContract):
    router = RandomExpert()


class TestOracleExpert(RouterContract):
    router = OracleExpert()


class TestAlwaysLargest(RouterContract):
    router = AlwaysLargest()


class TestNearEdge(RouterContract):
    router = NearEdge()


class TestNoRouting(RouterContract):
    router = NoRouting()


def test_every_router_is_held_to_the_contract():
    held = {kind.router.name for kind in RouterContract.__subclasses__()}
    assert held == set(ROUTERS)


def test_a_sure_sample_stays_and_an_unsure_one_goes_to_the_expert_with_most_mass():
    router = AskExpert(threshold=0.5, top_k=4)
    assert router.decide(routing_state(0.5, experts=SMALL)).expert is None
    assert router.decide(routing_state(0.4, 0.0, 0.0, 0.35, 0.1, experts=SMALL)).expert == "vehicles"
    assert router.decide(routing_state(0.4, 0.2, 0.0, 0.35, experts=SMALL)).expert == "animals"


def test_only_the_top_k_classes_count():
    state = routing_state(0.4, 0.0, 0.0, 0.35, 0.1, experts=SMALL)
    assert AskExpert(threshold=0.5, top_k=1).decide(state).expert == "animals"


def test_the_mass_of_an_expert_is_that_of_its_top_k_classes():
    probabilities = np.array([0.3, 0.25, 0.05, 0.2, 0.15, 0.05])
    assert expert_masses(probabilities, SMALL, 3) == pytest.approx([0.55, 0.2])


def test_of_equal_masses_the_larger_share_of_the_top_k_wins_then_the_name():
    one, two = ExpertCard(name="one", subset=(0,)), ExpertCard(name="two", subset=(1, 2))
    assert best_expert(np.array([0.4, 0.2, 0.2, 0.2]), (one, two), 3) == two
    twins = (ExpertCard(name="b", subset=(0,)), ExpertCard(name="a", subset=(0,)))
    assert best_expert(np.array([1.0, 0.0]), twins, 1).name == "a"


def test_a_sample_whose_guesses_no_expert_covers_stays():
    route = AskExpert(threshold=0.9, top_k=1).decide(routing_state(0, 0, 0, 0, 0, 0.8, experts=SMALL))
    assert (route.expert, route.reason) == (None, "uncovered")


def test_what_would_take_too_long_or_too_much_is_not_asked_for():
    state = routing_state(0.2)
    assert AskExpert(max_latency_s=0.04).decide(state).reason == "too slow"
    assert AskExpert(max_energy_j=0.05).decide(state).reason == "too dear"
    assert AskExpert(max_latency_s=0.05, max_energy_j=0.1).decide(state).expert is not None


def test_a_latency_budget_offloads_the_share_that_fits_the_network_at_hand():
    # 10 ms alone, 50 ms asked: a mean of 30 ms lets half of the samples go, so the threshold is 0.6.
    router = AskBudget(goal="latency", value=0.03)
    assert router.decide(routing_state(0.55)).expert is not None
    assert router.decide(routing_state(0.65)).expert is None
    slow = replace(
        routing_state(0.55), cost=lambda expert: replace(plain_cost(expert), latency_s=1.0 if expert else 0.01)
    )
    assert router.decide(slow).expert is None


@pytest.mark.parametrize(("asked_s", "asked"), [(0.05, True), (0.2, False)])
def test_a_budget_that_nothing_keeps_is_exceeded_as_little_as_can_be(asked_s, asked):
    def cost(expert):
        return replace(plain_cost(expert), latency_s=asked_s if expert else 0.1)

    route = AskBudget(goal="latency", value=0.03).decide(replace(routing_state(0.55), cost=cost))
    assert (route.expert is not None) == asked


def test_an_energy_budget_follows_the_energy():
    assert AskBudget(goal="energy", value=0.028).decide(routing_state(0.29)).expert is not None
    assert AskBudget(goal="energy", value=0.028).decide(routing_state(0.31)).expert is None


def test_an_accuracy_goal_takes_the_lowest_threshold_that_reaches_it():
    assert CURVE.threshold_of_accuracy(0.6) == 0.3
    assert CURVE.threshold_of_accuracy(0.99) == 1.0
    assert AskBudget(goal="accuracy", value=0.6).decide(routing_state(0.31)).expert is None


def test_a_budget_offloads_nothing_before_the_network_is_known():
    assert AskBudget(goal="latency", value=1.0).decide(routing_state(0.2, cost=None)).expert is None


def test_a_budget_without_a_curve_says_what_it_needs():
    with pytest.raises(InputError, match="held-out"):
        AskBudget().decide(routing_state(0.2, curve=None))


def test_an_oracle_asks_an_expert_of_the_true_class_and_needs_it():
    state = routing_state(0.0, 0.0, 0.0, 0.5, 0.4, experts=SMALL, label=1)
    assert OracleExpert().decide(state).expert == "animals"
    with pytest.raises(InputError, match="true class"):
        OracleExpert().decide(replace(state, label=None))


def test_a_random_expert_depends_on_seed_and_sample_and_names_all_in_time():
    router = RandomExpert()
    asked = {router.decide(routing_state(0.2, sample=n)).expert for n in range(40)}
    assert asked == {expert.name for expert in EXPERTS}


def test_the_largest_is_asked_whatever_the_guesses_are():
    assert AlwaysLargest().decide(routing_state(0.4, 0.3)).expert == "whole"
    assert NearEdge().decide(routing_state(0.99)).expert == "whole"


def test_texts_name_routers_and_their_parameters():
    assert router_by_name("ask-expert:threshold=0.4,top_k=2") == AskExpert(threshold=0.4, top_k=2)
    with pytest.raises(InputError, match="known routers: always-largest, ask-budget"):
        router_by_name("guess")
    with pytest.raises(InputError, match="router near-edge has no parameter"):
        router_by_name("near-edge:threshold=0.5")
    with pytest.raises(InputError, match=r"threshold must lie in 0\.\.1"):
        router_by_name("ask-expert:threshold=2")
    with pytest.raises(InputError, match="max_energy_j must be positive, got nan"):
        router_by_name("ask-expert:max_energy_j=nan")
    with pytest.raises(InputError, match="value must be positive"):
        router_by_name("ask-budget:value=nan")


def test_a_curve_needs_rows_of_one_length():
    with pytest.raises(InputError, match="equally long"):
        ThresholdCurve(thresholds=np.zeros(2), offloaded=np.zeros(2), accuracy=np.zeros(3))
    with pytest.raises(InputError, match="never fall"):
        ThresholdCurve(thresholds=np.zeros(2), offloaded=np.array([0.5, 0.4]), accuracy=np.zeros(2))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), experts=st.integers(1, 5), top_k=st.integers(1, 8), coarse=st.booleans())
def test_all_pictures_at_once_are_routed_as_each_by_itself(seed, experts, top_k, coarse):
    rng = np.random.default_rng(seed)
    cards = tuple(
        ExpertCard(name=f"e{n}", subset=tuple(np.flatnonzero(rng.random(8) < 0.4).tolist()) or (int(rng.integers(8)),))
        for n in rng.permutation(experts)
    )
    probabilities = rng.integers(1, 4, (6, 8)).astype(float) if coarse else rng.random((6, 8))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    together = route_all(probabilities, cards, top_k)
    for row, number in zip(probabilities, together, strict=True):
        alone = best_expert(row, cards, top_k)
        assert (None if number < 0 else cards[number]) == alone


@pytest.mark.parametrize(
    "router",
    [
        AskExpert(threshold=1 / 3, top_k=2, max_energy_j=1e-5),
        AskBudget(goal="energy", value=0.1 + 0.2),
        RandomExpert(threshold=0.62),
        OracleExpert(),
        AlwaysLargest(),
        NoRouting(),
        NearEdge(),
    ],
)
def test_a_router_is_what_its_text_names(router):
    assert router_by_name(router_text(router)) == router
