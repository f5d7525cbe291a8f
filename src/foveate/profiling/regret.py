"""What an estimator's errors cost: the configuration that it leads to against the best of all."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foveate.core import LinkState, Profile
from foveate.estimators import computing_s, features
from foveate.estimators.content_models import ContentModel
from foveate.policies import knee_point
from foveate.policies.frontier import Knee
from foveate.profiling.observations import Observation
from foveate.profiling.rows import tried

Numbers = NDArray[np.float64]
LINKS = tuple(LinkState(throughput_bps=1e6 * megabits, rtt_s=0.04) for megabits in (5, 10, 20, 40, 80))
"""Uplinks over the range of the traces."""


@dataclass(frozen=True, kw_only=True)
class Regret:
    """Means over frames and links."""

    utility: float
    """Normalised accuracy - normalised latency (both over all configurations, as they truly are): best - chosen."""
    f1: float
    """F1 of the choice under true numbers - of the choice made."""
    latency_s: float
    """Latency of the choice made - of that under true numbers."""
    same: float
    """Share of choices that are those under true numbers."""
    frames: int


@dataclass(frozen=True, kw_only=True)
class ChoiceTest:
    """On which machine and links, and by which knee, choices are made."""

    profile: Profile
    links: tuple[LinkState, ...] = LINKS
    knee: Knee = "chord"

    def regret(self, observations: Sequence[Observation], size: ContentModel, accuracy: ContentModel) -> Regret:
        """Of the knee by estimates, on frames on which every configuration was tried."""
        rows = [self._row(o, size, accuracy, link) for o in observations for link in self.links]
        utility, f1, latency_s, same = np.mean(rows, axis=0).tolist()
        return Regret(utility=utility, f1=f1, latency_s=latency_s, same=same, frames=len(observations))

    def _row(
        self, observation: Observation, size: ContentModel, accuracy: ContentModel, link: LinkState
    ) -> tuple[float, float, float, float]:
        true_latency, true_f1 = self._numbers(observation, *true_models(observation), link)
        chosen = knee_point(*self._numbers(observation, size, accuracy, link), kind=self.knee)
        best = knee_point(true_latency, true_f1, kind=self.knee)
        utility = _normalised(true_f1) - _normalised(true_latency)
        return (
            float(utility.max() - utility[chosen]),
            float(true_f1[best] - true_f1[chosen]),
            float(true_latency[chosen] - true_latency[best]),
            float(chosen == best),
        )

    def _numbers(
        self, observation: Observation, size: ContentModel, accuracy: ContentModel, link: LinkState
    ) -> tuple[Numbers, Numbers]:
        """Latency and accuracy of all configurations, as equation 2 adds them up."""
        grid, candidates = observation.grid, tried(observation)
        columns = features(candidates, grid=grid, content=observation.content)
        upload = 8 * np.maximum(size(columns), 0) * grid.height * grid.width / link.throughput_bps
        latency = upload + link.rtt_s + computing_s(self.profile, candidates, grid=grid)
        return latency, np.clip(accuracy(columns), 0, 1)


def true_models(observation: Observation) -> tuple[ContentModel, ContentModel]:
    """Models that know what the trials of this very observation brought: the oracle."""
    pixels = observation.grid.height * observation.grid.width
    size = np.array([trial.size_bytes / pixels for trial in observation.trials])
    accuracy = np.array([trial.f1 for trial in observation.trials])
    return lambda _: size, lambda _: accuracy


def complete(observations: Sequence[Observation], least: int = 30) -> list[Observation]:
    """Those on which all configurations were tried: 42 or 77, where anything is downsampled at all."""
    return [observation for observation in observations if len(observation.trials) >= least]


def _normalised(values: Numbers) -> Numbers:
    span = float(np.ptp(values))
    return (values - values.min()) / span if span > 0 else np.zeros(len(values))
