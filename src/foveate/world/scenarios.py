"""Scenarios by name: each builds a whole scene and a camera from one seed."""

from collections.abc import Callable, Mapping

from foveate.world.errors import WorldError
from foveate.world.shoot import Shoot
from foveate.world.sunny import walk_sunny

SCENARIOS: Mapping[str, Callable[[int], Shoot]] = {"walk-sunny": walk_sunny}
"""Builders of a `Shoot` from a seed, by name."""


def build(scenario: str, *, seed: int) -> Shoot:
    """The scene of `scenario` for `seed`; raises `WorldError` for an unknown name or a negative seed."""
    if scenario not in SCENARIOS:
        raise WorldError(f"unknown scenario {scenario!r}; known: {', '.join(sorted(SCENARIOS))}")
    if seed < 0:
        raise WorldError(f"a seed must not be negative, got {seed}")
    return SCENARIOS[scenario](seed)
