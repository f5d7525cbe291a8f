"""Which expert a generalist's top-k classes point to."""

import numpy as np
from numpy.typing import NDArray

from foveate.core import ExpertCard, InputError


def top_classes(probabilities: NDArray[np.float64], top_k: int) -> NDArray[np.intp]:
    """The `top_k` most probable classes, most probable first; equal ones by ascending class. Raises `InputError`."""
    if not top_k >= 1:
        raise InputError(f"top_k must be at least 1, got {top_k}")
    return np.argsort(-probabilities, kind="stable")[:top_k]


def expert_masses(probabilities: NDArray[np.float64], experts: tuple[ExpertCard, ...], top_k: int) -> list[float]:
    """For each expert, the probability of the top-k classes that lie in its subset."""
    chosen = top_classes(probabilities, top_k)
    return [float(probabilities[chosen[np.isin(chosen, expert.subset)]].sum()) for expert in experts]


def best_expert(probabilities: NDArray[np.float64], experts: tuple[ExpertCard, ...], top_k: int) -> ExpertCard | None:
    """The expert with the most mass; None if no expert covers any of the top-k classes.

    Of equal masses that with more of the top-k classes wins, then that with more probability over its whole subset,
    then the first by name.
    """
    chosen = top_classes(probabilities, top_k)
    masses = expert_masses(probabilities, experts, top_k)
    ranked = [
        (
            round(mass, 12),
            int(np.isin(chosen, expert.subset).sum()),
            float(probabilities[_known(expert, probabilities)].sum()),
        )
        for mass, expert in zip(masses, experts, strict=True)
    ]
    best = max(ranked, default=(0.0, 0, 0.0))
    if best[0] <= 0:
        return None
    return min((e for e, rank in zip(experts, ranked, strict=True) if rank == best), key=lambda expert: expert.name)


def _known(expert: ExpertCard, probabilities: NDArray[np.float64]) -> list[int]:
    return [label for label in expert.subset if label < len(probabilities)]
