"""A control: unsure samples go to any expert."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from foveate.core import InputError, Route, RoutingState


@dataclass(frozen=True, kw_only=True)
class RandomExpert:
    """Asks an expert drawn evenly from seed and sample, where `ask-expert` asks the one of the top-k classes."""

    name: ClassVar[str] = "random-expert"
    asks_generalist: ClassVar[bool] = True

    threshold: float = 0.6
    """Calibrated confidence from which the generalist's answer stands, 0..1."""

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise InputError(f"threshold must lie in 0..1, got {self.threshold:g}")

    def decide(self, state: RoutingState) -> Route:
        """The generalist if it is sure, else any expert."""
        if state.probabilities.max() >= self.threshold or not state.experts:
            return Route(expert=None, reason="sure" if state.experts else "alone")
        names = sorted(expert.name for expert in state.experts)
        drawn = np.random.default_rng((state.seed, 17, state.sample)).integers(len(names))
        return Route(expert=names[drawn], reason="drawn")
