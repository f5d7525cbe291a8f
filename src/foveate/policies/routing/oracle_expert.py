"""A bound: unsure samples go to an expert of their true class."""

from dataclasses import dataclass
from typing import ClassVar

from foveate.core import InputError, Route, RoutingState
from foveate.policies.routing.top_k import best_expert


@dataclass(frozen=True, kw_only=True)
class OracleExpert:
    """Knows the true class, not whether its expert will be right; what routing by top-k could gain at most."""

    name: ClassVar[str] = "oracle-expert"
    asks_generalist: ClassVar[bool] = True

    threshold: float = 0.6
    """Calibrated confidence from which the generalist's answer stands, 0..1."""

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise InputError(f"threshold must lie in 0..1, got {self.threshold:g}")

    def decide(self, state: RoutingState) -> Route:
        """The generalist if it is sure; else of the experts for the true class the one that top-k would choose."""
        if state.label is None:
            raise InputError(f"router {self.name} needs the true class of every sample")
        if state.probabilities.max() >= self.threshold or not state.experts:
            return Route(expert=None, reason="sure" if state.experts else "alone")
        able = tuple(expert for expert in state.experts if state.label in expert.subset)
        if not able:
            return Route(expert=None, reason="uncovered")
        chosen = best_expert(state.probabilities, able, len(state.probabilities))
        return Route(expert=(chosen or able[0]).name, reason="known")
