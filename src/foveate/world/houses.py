"""Rows of houses and groves along both sides of a street."""

from dataclasses import dataclass

import numpy as np

from foveate.world import furniture
from foveate.world.families import materials
from foveate.world.mesh import Mesh, box
from foveate.world.surfaces import Surface, wall
from foveate.world.textures import FACADE_BAYS, FACADE_FLOORS, SHOPS_WIDE, Picture

_DEPTH = 14.0
"""Depth of every house, metres."""
_NARROWEST = 9.0
"""What a fitted row leaves no less of for its last house, metres."""


@dataclass(frozen=True, kw_only=True)
class House:
    """One house of a row; lengths in metres."""

    x: tuple[float, float]
    """Where it begins and ends along the street."""
    side: int
    """1 on the left of the x axis, -1 on its right."""
    front: float
    """Distance of its front from the middle of the road."""
    floors: int
    """Floors above the shop."""
    storey: float
    """Height of a floor."""
    shop: float
    """Height of the shop floor, 0 for none."""

    @property
    def height(self) -> float:
        """Up to the roof."""
        return self.shop + self.floors * self.storey

    @property
    def near(self) -> float:
        """Ordinate of the front."""
        return self.side * self.front

    @property
    def far(self) -> float:
        """Ordinate of the back."""
        return self.side * (self.front + _DEPTH)


def random_house(x: float, width: float, *, side: int, front: float, rng: np.random.Generator) -> House:
    """Two to seven floors, usually over a shop."""
    shop = float(rng.uniform(3.3, 4.2)) if rng.random() < 0.65 else 0.0
    floors, storey = int(rng.integers(2, 8)), float(rng.uniform(2.9, 3.6))
    return House(x=(x, x + width), side=side, front=front, floors=floors, storey=storey, shop=shop)


def walls_of(house: House, upper: Picture, shop: Picture) -> list[Surface]:
    """The front, its shop floor and both flanks."""
    left, right = house.x if house.side < 0 else house.x[::-1]
    width, floors, whole = house.x[1] - house.x[0], house.floors / FACADE_FLOORS, (0.0, house.height)
    start, end = (right, house.near), (left, house.near)
    bays = max(1, round(width / 3)) / FACADE_BAYS
    surfaces = [
        wall(start, end, z=(house.shop, house.height), texture=upper, repeats=(bays, floors)),
        wall((right, house.far), start, z=whole, texture=upper, repeats=(1, floors)),
        wall(end, (left, house.far), z=whole, texture=upper, repeats=(1, floors)),
    ]
    if house.shop:
        shops_wide = max(1, round(width / 4.5)) / SHOPS_WIDE
        surfaces.append(wall(start, end, z=(0, house.shop), texture=shop, repeats=(shops_wide, 1)))
    return surfaces


def _solids_of(house: House, rng: np.random.Generator) -> list[Mesh]:
    width, middle = house.x[1] - house.x[0], sum(house.x) / 2
    cornice_at = (middle, house.near - house.side * 0.1, house.height)
    roof_at = (middle, (house.near + house.far) / 2, house.height + 0.1)
    meshes = [
        box((width + 0.1, 0.5, 0.35), (0.62, 0.60, 0.57), centre=cornice_at),
        box((width, _DEPTH, 0.2), (0.35, 0.30, 0.28), centre=roof_at),
    ]
    if house.shop and rng.random() < 0.5:
        margin = min(2.0, width / 2)  # what is left at the end of a row may be narrower than an awning
        at = (rng.uniform(house.x[0] + margin, house.x[1] - margin), house.near, 0)
        meshes.append(furniture.awning(rng).moved(by=at, yaw=0.0 if house.side > 0 else np.pi))
    return meshes


def _grove(low: float, high: float, *, side: int, front: float, rng: np.random.Generator) -> list[Mesh]:
    y, middle = side * (front + 0.2), (low + high) / 2
    posts = [box((0.05, 0.05, 1.0), furniture.IRON, centre=(x, y, 0.6)) for x in np.arange(low, high, 0.5)]
    rails = [box((high - low, 0.05, 0.05), furniture.IRON, centre=(middle, y, z)) for z in (0.3, 1.05)]
    trees = []
    for _ in range(5):
        at = (rng.uniform(low, high), side * (front + rng.uniform(2, 12)), 0)
        trees.append(furniture.tree(rng, height=float(rng.uniform(6, 12))).moved(by=at))
    return [*posts, *rails, *trees]


def some_house(
    x: float,
    width: float,
    *,
    side: int,
    front: float,
    stock: tuple[list[Picture], list[Picture]],
    rng: np.random.Generator,
) -> tuple[list[Surface], list[Mesh]]:
    """A house `width` metres wide from `x` on: its textured walls, and the rest of it."""
    house, (uppers, fronts) = random_house(x, width, side=side, front=front, rng=rng), stock
    walls = walls_of(house, uppers[rng.integers(len(uppers))], fronts[rng.integers(len(fronts))])
    return walls, _solids_of(house, rng)


def row(
    x: tuple[float, float],
    *,
    side: int,
    front: float,
    stock: tuple[list[Picture], list[Picture]],
    rng: np.random.Generator,
    fitted: bool = False,
) -> tuple[list[Surface], list[Mesh]]:
    """Houses and groves from `x[0]` to `x[1]` on one side; `stock` holds textures of upper floors and of shops.

    The last of them may stand out beyond `x[1]` unless the row is `fitted`.
    """
    surfaces: list[Surface] = []
    meshes: list[Mesh] = []
    at = x[0]
    while at < x[1]:
        width = float(rng.uniform(9, 24))
        if fitted and x[1] - at - width < _NARROWEST:
            width = x[1] - at
        if rng.random() < 0.14:
            meshes += _grove(at, at + width, side=side, front=front, rng=rng)
        else:
            sheets, solids = some_house(at, width, side=side, front=front, stock=stock, rng=rng)
            surfaces += sheets
            meshes += solids
        at += width + (float(rng.uniform(2, 9)) if rng.random() < 0.15 else 0.0)
    return surfaces, meshes


def stock_of(rng: np.random.Generator, *, unseen: bool = False) -> tuple[list[Picture], list[Picture]]:
    """Textures for a street: upper floors and shop fronts."""
    made = materials(unseen=unseen)
    return [made.facade(rng) for _ in range(6)], [made.shops(rng) for _ in range(3)]
