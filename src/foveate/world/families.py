"""What a world is made of: the families that training pictures show, and those that are held out of training.

People have theirs in `people.random_look`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from foveate.world import cycles, textures, unseen_cycles, unseen_textures, unseen_vehicles
from foveate.world.rig import Model
from foveate.world.textures import Picture
from foveate.world.vehicles import vehicle

CAR_KINDS = ("sedan", "hatch", "estate", "suv", "city", "coupe", "minivan", "van")
"""Cars and vans of the training families."""

Draw = Callable[[np.random.Generator], Model]
"""Draws an object."""
Paint = Callable[[np.random.Generator], Picture]
"""Draws a texture."""


@dataclass(frozen=True, kw_only=True)
class Families:
    """Where vehicles come from."""

    car: Draw
    """A car, a van, or what parks like one."""
    large: Callable[[np.random.Generator], list[Model]]
    """Three buses and trucks."""
    bicycle: Draw
    motorcycle: Draw


@dataclass(frozen=True, kw_only=True)
class Materials:
    """Where textures come from; each as the function of that name in `textures`."""

    facade: Paint
    shops: Paint
    asphalt: Paint
    paving: Paint
    grass: Paint


def _unseen_large(rng: np.random.Generator) -> list[Model]:
    names = rng.choice(sorted(unseen_vehicles.LARGE), 3, replace=False)
    return [unseen_vehicles.LARGE[str(name)](rng) for name in names]


_USUAL = Families(
    car=lambda rng: vehicle(str(rng.choice(CAR_KINDS)), rng),
    large=lambda rng: [vehicle(kind, rng) for kind in ("bus", "truck", "truck")],
    bicycle=cycles.bicycle,
    motorcycle=cycles.motorcycle,
)
_UNSEEN = Families(
    car=lambda rng: unseen_vehicles.CARS[str(rng.choice(sorted(unseen_vehicles.CARS)))](rng),
    large=_unseen_large,
    bicycle=unseen_cycles.bicycle,
    motorcycle=unseen_cycles.motorcycle,
)


def families(*, unseen: bool) -> Families:
    """The objects of training, or those that training never shows."""
    return _UNSEEN if unseen else _USUAL


def materials(*, unseen: bool) -> Materials:
    """The textures of training, or those that training never shows."""
    source = unseen_textures if unseen else textures
    return Materials(
        facade=source.facade,
        shops=source.shops,
        asphalt=source.asphalt,
        paving=source.paving,
        grass=source.grass,
    )
