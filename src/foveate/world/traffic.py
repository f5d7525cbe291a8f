"""Who and what uses the street: walkers, groups, people who stand or cross, parked and driving vehicles, riders."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from foveate.world.cycles import BICYCLE_SADDLE, MOTORCYCLE_SADDLE
from foveate.world.errors import WorldError
from foveate.world.families import families
from foveate.world.motion import Actor, Bearing, footprint
from foveate.world.people import person, random_look
from foveate.world.rig import Model
from foveate.world.street import KERB, Plan


@dataclass(frozen=True, kw_only=True)
class Density:
    """How much goes on. Raises `WorldError` on a negative number."""

    walkers: int
    """People walking along the street, groups counted by head."""
    standing: int
    """People who stand on the pavements."""
    crossing: int
    """People on the zebra, where traffic stops for them."""
    gap_m: float
    """Mean free distance between driving vehicles of one lane."""
    parked: float
    """Share of the parking places taken, 0..1."""
    cycles: int
    """Riders, and as many parked bicycles and motorcycles."""

    def __post_init__(self) -> None:
        if min(self.walkers, self.standing, self.crossing, self.cycles) < 0 or self.gap_m < 0:
            raise WorldError(f"densities cannot be negative, got {self}")


def random_density(rng: np.random.Generator) -> Density:
    """From a quiet street to a busy one."""
    busy = float(rng.uniform(0.25, 1.0))
    return Density(
        walkers=int(14 + 76 * busy),
        standing=int(4 + 20 * busy * rng.random()),
        crossing=int(rng.integers(2, 10)),
        gap_m=float(rng.uniform(7, 45)),
        parked=float(rng.uniform(0.25, 0.95)),
        cycles=int(rng.integers(1, 7)),
    )


class Cast:
    """A stock of models drawn once and shared: building a body costs more than placing it."""

    def __init__(self, rng: np.random.Generator, *, people: int, vehicles: int, unseen: bool = False) -> None:
        self._rng = rng
        kinds = families(unseen=unseen)
        looks = [random_look(rng, unseen=unseen) for _ in range(people)]
        self._people = [(look.height, person(look, rng)) for look in looks]
        riders = [random_look(rng, riding=True, unseen=unseen) for _ in range(5)]
        self._riders = [(look.height, person(look, rng)) for look in riders]
        self._cars = [kinds.car(rng) for _ in range(vehicles)]
        self._large = kinds.large(rng)
        self._bicycles = [kinds.bicycle(rng) for _ in range(3)]
        self._motorcycles = [kinds.motorcycle(rng) for _ in range(3)]

    def someone(self, *, riding: bool = False) -> tuple[float, Model]:
        """Body height in metres and a model."""
        stock = self._riders if riding else self._people
        return stock[self._rng.integers(len(stock))]

    def car(self) -> Model:
        """A car or van."""
        return self._cars[self._rng.integers(len(self._cars))]

    def driven(self) -> Model:
        """A car, sometimes a bus or a truck."""
        return self._large[self._rng.integers(3)] if self._rng.random() < 0.16 else self.car()

    def cycle(self) -> Model:
        """A bicycle or a motorcycle."""
        stock = self._bicycles if self._rng.random() < 0.55 else self._motorcycles
        return stock[self._rng.integers(3)]


def length_of(model: Model) -> float:
    """Metres from the front of a vehicle to its back."""
    x = model.parts[0].mesh.points[:, 0]
    return float(x.max() - x.min())


def on_foot(
    cast: Cast,
    rng: np.random.Generator,
    *,
    at: tuple[float, float, float],
    heading: float,
    pace: float,
    start: float,
    span: float,
) -> Actor:
    """Somebody who walks at `pace`, or stands at 0; now and then with a phone."""
    height, model = cast.someone()
    phone = rng.random() < 0.15
    bearing = Bearing(
        height=height,
        phase=float(rng.uniform(0, 2 * np.pi)),
        swing=float(np.clip(0.26 + 0.12 * pace + rng.normal(0, 0.03), 0.2, 0.55)),
        elbow=float(rng.uniform(1.3, 1.9)) if phone else 0.0,
        raise_arm=float(rng.uniform(0.3, 0.9)) if phone else 0.0,
        lean=float(rng.normal(0.04, 0.03)),
    )
    return Actor(model=model, at=at, heading=heading, speed=pace, start=start, span=span, bearing=bearing)


def walkers(plan: Plan, density: Density, cast: Cast, rng: np.random.Generator) -> list[Actor]:
    """People walking along both pavements, alone and in groups of two to four."""
    actors: list[Actor] = []
    while len(actors) < density.walkers:
        side, direction = float(rng.choice([-1, 1])), float(rng.choice([0, np.pi]))
        pace, start = float(rng.uniform(0.9, 1.7)), float(rng.uniform(-plan.track / 2, plan.track / 2))
        y = side * float(rng.uniform(plan.kerb + 1.1, plan.wall - 0.5))
        for member in range(int(rng.choice([1, 2, 3, 4], p=[0.6, 0.25, 0.1, 0.05]))):
            row, column = divmod(member, 2)
            shift = y + side * (-0.65 if y * side > plan.wall - 1.2 else 0.65) * column
            at = (0.0, shift + float(rng.normal(0, 0.06)), KERB)
            actors.append(
                on_foot(
                    cast,
                    rng,
                    at=at,
                    heading=direction,
                    pace=pace,
                    start=start - 1.1 * row + float(rng.normal(0, 0.15)),
                    span=plan.track,
                )
            )
    return actors


def standers(plan: Plan, density: Density, cast: Cast, rng: np.random.Generator) -> list[Actor]:
    """People who wait, talk or look at shop windows."""
    actors = []
    for _ in range(density.standing):
        x, side = float(rng.uniform(-plan.track / 2, plan.track / 2)), float(rng.choice([-1, 1]))
        near_wall = rng.random() < 0.55
        y = plan.wall - float(rng.uniform(0.4, 1.0)) if near_wall else plan.kerb + float(rng.uniform(0.3, 1.2))
        for member in range(int(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15]))):
            heading = float(rng.uniform(0, 2 * np.pi)) if member == 0 else float(rng.uniform(2, 4))
            actor = on_foot(
                cast,
                rng,
                at=(x + 0.75 * member, side * y + float(rng.normal(0, 0.15)), KERB),
                heading=heading,
                pace=0.0,
                start=0.0,
                span=plan.track,
            )
            bearing = actor.bearing
            assert bearing is not None
            actors.append(replace(actor, bearing=replace(bearing, swing=float(rng.uniform(0.0, 0.1)))))
    return actors


def crossers(plan: Plan, density: Density, cast: Cast, rng: np.random.Generator) -> list[Actor]:
    """People who cross to and fro on the zebra; none unless the traffic stops there."""
    actors = []
    for _ in range(density.crossing if plan.stopped else 0):
        span, pace = 2 * plan.kerb, float(rng.uniform(1.0, 1.6))
        at = (plan.crossing + float(rng.uniform(-1.5, 1.5)), 0.0, 0.0)
        start = float(rng.uniform(-span / 2, span / 2))
        heading = float(rng.choice([-1, 1])) * np.pi / 2
        actor = on_foot(cast, rng, at=at, heading=heading, pace=pace, start=start, span=span)
        actors.append(replace(actor, paces=True))
    return actors


def parked(plan: Plan, density: Density, cast: Cast, rng: np.random.Generator) -> list[Actor]:
    """Cars in the parking strips, free of the zebra."""
    actors: list[Actor] = []
    for side in (-1, 1) if plan.parking else ():
        x = -plan.track / 2
        while x < plan.track / 2:
            model = cast.car()
            long = length_of(model)
            if rng.random() < density.parked and abs(x + long / 2 - plan.crossing) > 3 + long / 2:
                y = side * (plan.kerb - plan.parking / 2 + float(rng.normal(0, 0.06)))
                turned = 0.0 if (side < 0) == (rng.random() < 0.92) else np.pi
                actors.append(
                    Actor(model=model, at=(x + long / 2, y, 0.0), heading=turned + float(rng.normal(0, 0.015)))
                )
            x += long + float(rng.uniform(0.5, 2.0))
    return actors


def lane_of(plan: Plan, lane: int) -> tuple[float, float]:
    """Lateral place of a lane, metres, and its heading: traffic keeps to the right."""
    y = (lane + 0.5) * plan.lane - plan.lanes * plan.lane / 2
    return y, (0.0 if lane < plan.lanes / 2 else np.pi)


def driving(plan: Plan, density: Density, cast: Cast, rng: np.random.Generator) -> list[Actor]:
    """Vehicles in the driving lanes, one speed in each lane; queues before the zebra where traffic stops."""
    actors: list[Actor] = []
    for lane in range(plan.lanes):
        y, heading = lane_of(plan, lane)
        speed, x = 0.0 if plan.stopped else float(rng.uniform(3.5, 11)), 4.0
        while x < plan.track - 14:
            model = cast.driven()
            long = length_of(model)
            middle = x + long / 2 - plan.track / 2
            clear = abs(middle - plan.crossing * np.cos(heading)) > 3 + long / 2 or not plan.stopped
            if clear:
                at = (0.0, y + float(rng.normal(0, 0.12)), 0.0)
                actors.append(Actor(model=model, at=at, heading=heading, speed=speed, start=middle, span=plan.track))
            free = rng.exponential(0.35 if plan.stopped else 0.8) * density.gap_m
            x += long + 1.8 + float(free)
    return actors


def cyclists(plan: Plan, density: Density, cast: Cast, rng: np.random.Generator) -> list[Actor]:
    """Riders near the edge of the driving lanes, and cycles that stand at the kerb."""
    actors: list[Actor] = []
    for _ in range(density.cycles):
        actors += _ridden(plan, cast, rng)
        side = float(rng.choice([-1, 1]))
        at = (
            float(rng.uniform(-plan.track / 2, plan.track / 2)),
            side * (plan.kerb + float(rng.uniform(0.4, 0.9))),
            KERB,
        )
        actors.append(Actor(model=cast.cycle(), at=at, heading=float(rng.choice([0, np.pi]) + rng.normal(0, 0.2))))
    return actors


def _ridden(plan: Plan, cast: Cast, rng: np.random.Generator) -> list[Actor]:
    cycle, (height, model) = cast.cycle(), cast.someone(riding=True)
    lane = 0 if rng.random() < 0.5 else plan.lanes - 1
    y, heading = lane_of(plan, lane)
    edge = float(np.sign(y)) * (plan.lanes * plan.lane / 2 - 0.35)
    pedals = cycle.category == "bicycle"
    speed, start = (
        float(rng.uniform(3, 6) if pedals else rng.uniform(5, 10)),
        float(rng.uniform(-plan.track / 2, plan.track / 2)),
    )
    bearing = Bearing(
        height=height,
        phase=float(rng.uniform(0, 2 * np.pi)),
        lean=float(rng.uniform(0.15, 0.55) if pedals else rng.uniform(0.05, 0.3)),
        saddle=BICYCLE_SADDLE if pedals else MOTORCYCLE_SADDLE,
        reach=float(rng.uniform(0.7, 1.0)),
    )
    seat = start - (0.20 if pedals else 0.28)
    mount = Actor(model=cycle, at=(0.0, edge, 0.0), heading=heading, speed=speed, start=start, span=plan.track)
    return [mount, replace(mount, model=model, start=seat, bearing=bearing)]


def clear_way(actors: Sequence[Actor], *, y: float, half: float, touch: float = 0.1) -> list[Actor]:
    """Without those that a camera on the line at `y` would meet.

    On foot or on two wheels who keeps within `half` metres of the line, and vehicles whose sides would come nearer than
    `touch` metres.
    """
    slim = ("person", "bicycle", "motorcycle")
    return [
        actor
        for actor in actors
        if actor.paces or abs(actor.at[1] - y) > (half if actor.model.category in slim else footprint(actor)[1] + touch)
    ]


def populate(plan: Plan, density: Density, rng: np.random.Generator, *, unseen: bool = False) -> Sequence[Actor]:
    """Everybody and everything in the street. `unseen`: see `scenarios.Builder`."""
    cast = Cast(rng, people=min(26, 6 + density.walkers // 2), vehicles=12, unseen=unseen)
    groups = (walkers, standers, crossers, parked, driving, cyclists)
    return [actor for group in groups for actor in group(plan, density, cast, rng)]
