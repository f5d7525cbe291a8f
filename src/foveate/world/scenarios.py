"""Scenarios by name: each builds a whole scene and a camera from one seed."""

from collections.abc import Mapping
from typing import Protocol

from foveate.world.cycling import cycle_sunny
from foveate.world.errors import OrderError
from foveate.world.hall import walk_indoor
from foveate.world.night import drive_night
from foveate.world.plaza import plaza_crowd
from foveate.world.rainy import walk_rain
from foveate.world.shoot import Shoot
from foveate.world.sunny import walk_sunny


class Builder(Protocol):
    """Builds a shoot from a seed, all that is seen included."""

    def __call__(self, seed: int, *, unseen: bool = False) -> Shoot:
        """`unseen`: of the object families and textures that no training picture shows."""


SCENARIOS: Mapping[str, Builder] = {
    "cycle-sunny": cycle_sunny,
    "drive-night": drive_night,
    "plaza-crowd": plaza_crowd,
    "walk-indoor": walk_indoor,
    "walk-rain": walk_rain,
    "walk-sunny": walk_sunny,
}
"""Builders of a `Shoot` from a seed, by name."""
_WIDE_AREA = ("plaza-crowd",)
"""Seen by one large static camera."""


def builder(scenario: str) -> Builder:
    """The builder of `scenario`; raises `OrderError` for an unknown name."""
    if scenario not in SCENARIOS:
        raise OrderError(f"unknown scenario {scenario!r}; known: {', '.join(sorted(SCENARIOS))}")
    return SCENARIOS[scenario]


def usual_size(scenario: str) -> tuple[int, int]:
    """`(height, width)` of a clip of `scenario` unless another is asked for."""
    return (2160, 3840) if scenario in _WIDE_AREA else (1080, 1920)


def build(scenario: str, *, seed: int, unseen: bool = False) -> Shoot:
    """The scene of `scenario` for `seed`, see `Builder`; raises `OrderError` for an unknown name or a negative seed."""
    if seed < 0:
        raise OrderError(f"a seed must not be negative, got {seed}")
    return builder(scenario)(seed, unseen=unseen)
