"""The question of the experiment answered: ours beside answering alone, offloading everything, and simpler routers."""

from collections.abc import Sequence

from foveate.evaluation.experts.contenders import CONTROLS
from foveate.evaluation.experts.experiment import ExpertsResults
from foveate.evaluation.experts.stand import (
    EDGE,
    GENERALIST,
    NEAR_EDGE,
    Pair,
    links_of,
    pairs,
    points_text,
    trainings_text,
    whole_text,
)
from foveate.evaluation.lab.phrases import listed
from foveate.evaluation.lab.statistics import Interval

_NAMES = {
    GENERALIST: "answering alone",
    EDGE: "an expert-sized model on the device",
    NEAR_EDGE: "offloading everything",
    CONTROLS[0]: "asking a random expert",
    CONTROLS[2]: "always asking the all-class model",
}
"""Of rivals, in sentences."""


def answer(results: ExpertsResults) -> tuple[str, list[str]]:
    """A headline about accuracy, and a sentence for each rival with what it costs on which links."""
    links = links_of(results, variations=False)
    by_rival = {name: found for name in _NAMES if (found := pairs(results, links, [name]))}
    both = [name for name in (GENERALIST, NEAR_EDGE) if name in by_rival]
    compared = listed([_more(by_rival[name][0].above, _NAMES[name]) for name in both]) if both else "without a rival"
    headline = f"Asking one expert is {compared}"
    costs = [_cost(_NAMES[name], by_rival[name]) for name in (GENERALIST, EDGE, NEAR_EDGE) if name in by_rival]
    routers = [
        f"{points_text(by_rival[name][0].above)} beside {_NAMES[name]}"
        for name in (CONTROLS[0], CONTROLS[2])
        if name in by_rival
    ]
    router = [f"What the router adds, by accuracy: {listed(routers)}."] if routers else []
    return headline, [*costs, *router, f"Intervals are 95 %, over pictures and {trainings_text(results)}."]


def _more(above: Interval, rival: str) -> str:
    """How much more accurate, as far as it is sure."""
    amount = f"({100 * above.value:+.1f} points)"
    if above.low > 0:
        return f"surely more accurate than {rival} {amount}"
    if above.high < 0:
        return f"surely less accurate than {rival} {amount}"
    return f"not shown to differ in accuracy from {rival} {amount}"


def _cost(rival: str, found: Sequence[Pair]) -> str:
    latency = _across([(pair.default.latency, str(pair.links)) for pair in found])
    energy = _across([(pair.default.energy, str(pair.links)) for pair in found])
    return f"Beside {rival}: {points_text(found[0].above)} of accuracy; latency {latency}; energy {energy}."


def _across(ratios: Sequence[tuple[Interval, str]]) -> str:
    """`-61 % (lan) to -12 % (5g)`."""
    ordered = sorted(ratios, key=lambda found: found[0].value)
    told = [f"{whole_text(100 * (ratio.value - 1))} % ({links})" for ratio, links in (ordered[0], ordered[-1])]
    return told[0] if len(ratios) == 1 else " to ".join(told)
