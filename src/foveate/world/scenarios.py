"""Scenarios by name: each builds a whole scene and a camera from one seed."""

from collections.abc import Mapping
from typing import Protocol

from foveate.world.errors import WorldError
from foveate.world.shoot import Shoot
from foveate.world.sunny import walk_sunny


class Builder(Protocol):
    """Builds a shoot from a seed, all that is seen included."""

    def __call__(self, seed: int, *, unseen: bool = False) -> Shoot:
        """`unseen`: of the object families and textures that no training picture shows."""


SCENARIOS: Mapping[str, Builder] = {"walk-sunny": walk_sunny}
"""Builders of a `Shoot` from a seed, by name."""


def build(scenario: str, *, seed: int, unseen: bool = False) -> Shoot:
    """The scene of `scenario` for `seed`, see `Builder`; raises `WorldError` for an unknown name or a negative seed."""
    if scenario not in SCENARIOS:
        raise WorldError(f"unknown scenario {scenario!r}; known: {', '.join(sorted(SCENARIOS))}")
    if seed < 0:
        raise WorldError(f"a seed must not be negative, got {seed}")
    return SCENARIOS[scenario](seed, unseen=unseen)
